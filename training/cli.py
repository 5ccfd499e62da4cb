"""The subcommand `kws train`."""

from __future__ import annotations

import os
import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path

import click

from kws.errors import KwsError
from training.recipe import EMBEDDING_HEAD, Recipe, find_recipe, read_recipe, short_name


@click.command()
@click.argument("phrase")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory for the bundle."
)
@click.option(
    "--recipe",
    default="gru",
    show_default=True,
    metavar="RECIPE",
    help="Bundled name or path (TOML) of a recipe.",
)
@click.option("--seed", default=1, show_default=True, help="Seed of everything random.")
@click.option("--synthetic-only", is_flag=True, help="Leave the real recordings under KWS_DATA alone.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path(".cache"),
    show_default=True,
    help="Where tapes are kept.",
)
def train(phrase: str, output: Path, recipe: str, seed: int, synthetic_only: bool, cache: Path) -> None:
    """Train a wake word: PHRASE as it is spelled, for example "hey computer"."""
    path = find_recipe(recipe)
    settings = read_recipe(path)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    phrase = " ".join(phrase.lower().split())
    command = command_line(phrase, output, path, seed, synthetic_only)
    job = Job(phrase, settings, output, seed, not synthetic_only, cache, command)
    try:
        (_train_head if settings.network["name"] == EMBEDDING_HEAD else _train_network)(job)
    except KwsError as error:
        raise click.ClickException(str(error)) from error


def command_line(phrase: str, output: Path, recipe: Path, seed: int, synthetic_only: bool) -> str:
    """The command that makes the same again, for the card; run where its relative paths lead to the same."""
    options = ["-o", str(output), "--recipe", short_name(recipe), "--seed", str(seed)]
    return shlex.join(["kws", "train", phrase, *options, *["--synthetic-only"] * synthetic_only])


@dataclass(frozen=True)
class Job:
    """What is to be trained, and how."""

    phrase: str
    recipe: Recipe
    output: Path
    seed: int
    recordings: bool
    """Whether real ones are used."""
    cache: Path
    command: str
    """For the card."""
    started: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """To the user, with the time that has passed."""
        click.echo(f"{time.monotonic() - self.started:6.0f} s  {text}", err=True)


def _train_network(job: Job) -> None:
    """One network from filter-bank rows to scores."""
    import keras

    from training.bundling import write_trained
    from training.checkpoint import save_weights
    from training.material import gather
    from training.models import build
    from training.train import fit

    keras.utils.set_random_seed(job.seed)
    recipe = job.recipe
    job.say(f"gathering material for {job.phrase!r}")
    material = gather(job.phrase, recipe.material, seed=job.seed, cache=job.cache, recordings=job.recordings)
    job.say(f"{material.tapes.hours:.1f} h on {len(material.tapes)} tapes")
    network = build(recipe.network["name"], {k: v for k, v in recipe.network.items() if k != "name"})
    for progress in fit(network, material.tapes, recipe.training, seed=job.seed):
        job.say(
            f"epoch {progress.epoch}/{recipe.training.epochs}: loss {progress.loss:.4f}, "
            f"{progress.hard_tapes} tapes with false alarms"
        )
    path = write_trained(
        job.output, job.phrase, network, material, recipe, seed=job.seed, command=job.command
    )
    save_weights(path.with_suffix(".weights.npz"), network)
    job.say(f"wrote {path} and its float weights")


def _train_head(job: Job) -> None:
    """A head on the published encoder."""
    from kws.frontends import SPEECH_EMBEDDING, require
    from training.heads.bundling import spread, write_head
    from training.heads.head import Committee
    from training.heads.learning import fit
    from training.heads.material import gather
    from training.heads.recipe import head_recipe

    require(SPEECH_EMBEDDING)
    learning = head_recipe(job.recipe.network)
    job.say(f"gathering material for {job.phrase!r}")
    material = gather(
        job.phrase,
        job.recipe.material,
        look_back=learning.context,
        seed=job.seed,
        cache=job.cache,
        recordings=job.recordings,
    )
    known = material.examples
    job.say(f"{len(known.words)} words, {material.hours:.1f} h in all")
    learnt = []
    for number in range(learning.heads):
        for progress in fit(known, learning, seed=1000 * number + job.seed):
            job.say(
                f"head {number + 1}/{learning.heads}, round {progress.round}/{learning.rounds}: "
                f"loss {progress.loss:.4f}, {progress.heard:.1%} heard"
            )
        learnt.append(progress.head)
    heads = spread(Committee(tuple(learnt)), known)
    path = write_head(job.output, job.phrase, heads, material, job.recipe, seed=job.seed, command=job.command)
    job.say(f"wrote {path}")


if __name__ == "__main__":
    train()
