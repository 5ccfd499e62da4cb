"""Trials of the recognizer's training beside one another: bodies of its network, what it learns from and how.

python -m training.recognizer.compare bodies -o out/ [--recipe trial] [--only NAME]... [--seed 7]...
python -m training.recognizer.compare additions -o out/

Every trial is trained in turn as the recipe says, changed as `training.recognizer.trials` has it; one whose
counts lie in the output folder is not trained again. Printed are greedy errors on the dev sets, with 95 %
intervals over speakers, and how many fewer each has than the first.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from kws.evaluation.transcripts import grouped_errors
from training.accuracy.counts import read_counts, write_counts
from training.options import recognizer_cache_option
from training.recipe import find_recipe
from training.recognizer.compare_table import Trained, tables
from training.recognizer.recipe import Recipe, read_recipe
from training.recognizer.trials import TRIALS, changed


@click.command()
@click.argument("table", type=click.Choice(list(TRIALS)))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for results.")
@click.option("--recipe", default="trial", show_default=True, help="Bundled name or path (TOML) of a recipe.")
@click.option("--only", "names", multiple=True, help="Only these, and the first.")
@click.option("--seed", "seeds", type=int, multiple=True, default=(7,), help="Of weights and order of takes.")
@click.option("--most", default=240, show_default=True, help="Utterances of each dev set, drawn evenly.")
@recognizer_cache_option
def compare(
    table: str,
    output: Path,
    recipe: str,
    names: Sequence[str],
    seeds: Sequence[int],
    most: int,
    cache: Path,
) -> None:
    """Train each trial of TABLE once a seed, and print what each reads wrong."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    trials = TRIALS[table]
    if unknown := set(names) - set(trials):
        raise click.BadParameter(f"{', '.join(sorted(unknown))}; there are {', '.join(trials)}")
    settings, (usual, *_) = read_recipe(find_recipe(recipe)), trials
    found = []
    for seed in seeds:
        for name in [name for name in trials if not names or name in (usual, *names)]:
            kept = output / f"{name.replace(' ', '-')}-{seed}.counts.json"
            if not kept.is_file():
                made = changed(settings, trials[name])
                write_counts(kept, trained(name, made, output, cache, seed=seed, most=most))
            found.append(read_counts(Trained, kept))
    click.echo(tables(found, usual))


def trained(trial: str, recipe: Recipe, output: Path, cache: Path, *, seed: int, most: int) -> Trained:
    """One training and what came of it; the bundle and its weights stay in the output folder."""
    import keras

    from kws.recognition.bundle import read_recognizer
    from training.learning.checkpoint import save_weights
    from training.recognizer import joint
    from training.recognizer.learn import Learner, readings
    from training.recognizer.material import dev_sets, gather
    from training.recognizer.publish import bundle_readings, publish
    from training.second_pass.export import put_beside

    encoder, name = recipe.network.encoder, f"{trial.replace(' ', '-')}-{seed}"
    # The material is the same for every seed, so that only weights and order are drawn anew.
    material = gather(recipe.material, seed=7, cache=cache, encoder=encoder, say=_say)
    keras.utils.set_random_seed(seed)
    learner = Learner(recipe, material.versions, {}, seed=seed)
    began, loss = time.process_time(), 0.0
    for progress in learner.epochs(output / f"{name}.checkpoint.npz"):
        _say(f"{name}: {progress}")
        loss = progress.loss
    seconds = time.process_time() - began
    network = learner.averaged
    save_weights(output / f"{name}.weights.npz", network)
    sets = dev_sets(cache, most=most, encoder=encoder)
    read = {key: readings(network, takes) for key, takes in sets.items()}
    int8, size = {}, 0
    if recipe.network.name != "bidirectional":  # which cannot stream
        command = shlex.join(["python", "-m", "training.recognizer.compare", *sys.argv[1:]])
        path = publish(output, name, network, material, recipe, seed=seed, command=command)
        bundle = read_recognizer(path)
        int8 = {key: bundle_readings(bundle, takes)["phones"] for key, takes in sets.items()}
        size = bundle.model_path.stat().st_size
        if learner.averaged_speller:
            put_beside(path, learner.averaged_speller, joint.KIND)
    return Trained(
        trial,
        seed,
        sum(int(variable.shape.num_elements()) for variable in network.trainable_variables),
        loss,
        seconds,
        size,
        _counted(most, {key: (takes.phones, read[key]["phones"]) for key, takes in sets.items()}),
        _counted(most, {key: (takes.texts, read[key]["characters"]) for key, takes in sets.items()}),
        _counted(most, {key: (takes.phones, int8[key]) for key, takes in sets.items() if key in int8}),
    )


def _counted(
    most: int, pairs: Mapping[str, tuple[Sequence[str], Sequence[str]]]
) -> dict[str, tuple[list[int], list[int]]]:
    from training.recognizer.material import dev_speakers

    speakers = dev_speakers(most)
    found = {
        key: grouped_errors("speakers", speakers[key], said, read) for key, (said, read) in pairs.items()
    }
    return {key: (list(errors.errors), list(errors.words)) for key, errors in found.items()}


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    compare()
