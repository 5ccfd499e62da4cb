"""Bodies of the recognizer's network beside one another: same material, passes and size, another body.

python -m training.recognizer.compare -o out/ [--recipe bodies] [--body NAME]... [--seed 7]...

Every body is trained in turn as the recipe says, in the size of SHAPES; one whose counts lie in the output
folder is not trained again. Printed are greedy errors on the dev sets, with 95 % intervals over speakers.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kws.evaluation.transcripts import grouped_errors
from training.accuracy.counts import read_counts, write_counts
from training.options import recognizer_cache_option
from training.recipe import find_recipe
from training.recognizer.compare_table import USUAL, Trained, tables
from training.recognizer.recipe import Recipe, read_recipe

if TYPE_CHECKING:
    from training.recognizer.material import Material
    from training.recognizer.network import AcousticNetwork
    from training.recognizer.takes import Takes

SHAPES: Mapping[str, tuple[int, tuple[int, ...]]] = {
    "recurrent": (224, (1, 1, 1)),
    "conformer": (176, (1, 1, 1)),
    "bidirectional": (268, (1, 1, 1)),
}
"""Body -> width and layers with which it has about as many weights as the convolutions of recipe `bodies`."""
BODIES = (USUAL, *SHAPES)


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder for results.")
@click.option(
    "--recipe", default="bodies", show_default=True, help="Bundled name or path (TOML) of a recipe."
)
@click.option("--body", "bodies", type=click.Choice(BODIES), multiple=True, help="Only these.")
@click.option("--seed", "seeds", type=int, multiple=True, default=(7,), help="Of weights and order of takes.")
@click.option("--most", default=240, show_default=True, help="Utterances of each dev set, drawn evenly.")
@recognizer_cache_option
def compare(
    output: Path, recipe: str, bodies: Sequence[str], seeds: Sequence[int], most: int, cache: Path
) -> None:
    """Train each body once a seed, and print what each reads wrong."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    settings = read_recipe(find_recipe(recipe))
    found = []
    for seed in seeds:
        for body in bodies or BODIES:
            kept = output / f"{body}-{seed}.counts.json"
            if not kept.is_file():
                write_counts(kept, trained(of_body(settings, body), output, cache, seed=seed, most=most))
            found.append(read_counts(Trained, kept))
    click.echo(tables(found))


def of_body(recipe: Recipe, body: str) -> Recipe:
    """The recipe with that body in the size of SHAPES; the usual one as the recipe has it."""
    if body == USUAL:
        return recipe
    width, layers = SHAPES[body]
    return replace(recipe, network=replace(recipe.network, name=body, width=width, dilations=layers))


def trained(recipe: Recipe, output: Path, cache: Path, *, seed: int, most: int) -> Trained:
    """One training and what came of it; NAME-SEED.tflite and its weights stay in the output folder."""
    import keras

    from training.learning.checkpoint import save_weights
    from training.recognizer.learn import Learner, readings
    from training.recognizer.material import dev_sets, gather

    body, encoder = recipe.network.name, recipe.network.encoder
    name = f"{body}-{seed}"
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
    int8, size = _as_deployed(network, recipe, material, sets, output, seed)
    return Trained(
        body,
        seed,
        sum(int(variable.shape.num_elements()) for variable in network.trainable_variables),
        loss,
        seconds,
        size,
        _counted(most, {key: (takes.phones, read[key]["phones"]) for key, takes in sets.items()}),
        _counted(most, {key: (takes.texts, read[key]["characters"]) for key, takes in sets.items()}),
        _counted(most, {key: (takes.phones, int8[key]) for key, takes in sets.items() if key in int8}),
    )


def _as_deployed(
    network: AcousticNetwork,
    recipe: Recipe,
    material: Material,
    sets: Mapping[str, Takes],
    output: Path,
    seed: int,
) -> tuple[dict[str, list[str]], int]:
    """What the int8 graph reads as phones of each dev set, and its bytes; nothing where it cannot stream."""
    from kws.recognition.bundle import read_recognizer
    from training.recognizer.publish import bundle_readings, publish

    body = recipe.network.name
    if body == "bidirectional":
        return {}, 0
    command = f"python -m training.recognizer.compare -o {output} --body {body} --seed {seed}"
    path = publish(output, f"{body}-{seed}", network, material, recipe, seed=seed, command=command)
    bundle = read_recognizer(path)
    read = {key: bundle_readings(bundle, takes)["phones"] for key, takes in sets.items()}
    return read, bundle.model_path.stat().st_size


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
