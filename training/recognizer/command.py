"""The subcommand `kws train-recognizer`."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path

import click

from training.options import recognizer_cache_option
from training.recipe import find_recipe, short_name
from training.recognizer.recipe import Recipe, read_recipe

_GLANCE = 120
"""Utterances of each dev set that are read after every epoch."""


@click.command("train-recognizer")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory for the bundle."
)
@click.option("--name", default="english", show_default=True, help="Name of the bundle.")
@click.option(
    "--recipe",
    default="english",
    show_default=True,
    metavar="RECIPE",
    help="Bundled name or path (TOML) of a recipe.",
)
@click.option("--seed", default=7, show_default=True, help="Seed of everything random.")
@recognizer_cache_option
@click.option(
    "--resume", is_flag=True, help="Go on from the last epoch's checkpoint in the output directory."
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Begin with the weights of an earlier training (NAME.weights.npz) with the same network.",
)
def train_recognizer(
    output: Path, name: str, recipe: str, seed: int, cache: Path, resume: bool, weights: Path | None
) -> None:
    """Train a recognizer: phones and characters from speech.

    Every transcribed recording of the data root's train split that may be published on, and synthetic voices.
    """
    path = find_recipe(recipe)
    settings = read_recipe(path)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    command = command_line(output, name, path, seed, weights)
    _train(output, name, settings, seed=seed, cache=cache, resume=resume, weights=weights, command=command)


def command_line(output: Path, name: str, recipe: Path, seed: int, weights: Path | None) -> str:
    """The command that makes the same again, for the card; run where its relative paths lead to the same."""
    options = ["-o", str(output), "--name", name, "--recipe", short_name(recipe), "--seed", str(seed)]
    options += ["--weights", str(weights)] if weights else []
    return shlex.join(["kws", "train-recognizer", *options])


def _train(
    output: Path,
    name: str,
    recipe: Recipe,
    *,
    seed: int,
    cache: Path,
    resume: bool,
    weights: Path | None,
    command: str,
) -> None:
    import keras

    from training.learning.checkpoint import save_weights
    from training.recognizer import joint
    from training.recognizer.learn import Learner
    from training.recognizer.material import dev_sets, gather
    from training.recognizer.publish import add_to_card, measured, publish
    from training.second_pass.export import put_beside

    started = time.monotonic()
    keras.utils.set_random_seed(seed)
    _say(started, "gathering material")
    ears = recipe.network.encoder
    material = gather(
        recipe.material, seed=seed, cache=cache, encoder=ears, say=lambda text: _say(started, text)
    )
    glance = dev_sets(cache, most=_GLANCE, encoder=ears)
    learner = Learner(recipe, material.versions, glance, seed=seed)
    if weights:
        learner.start_from(weights)
    checkpoint = output / f"{name}.checkpoint.npz"
    if resume and checkpoint.is_file():
        learner.restore(checkpoint)
        _say(started, f"going on after epoch {learner.epoch}")
    for progress in learner.epochs(checkpoint):
        _say(started, str(progress))
    save_weights(output / f"{name}.weights.npz", learner.averaged)
    path = publish(output, name, learner.averaged, material, recipe, seed=seed, command=command)
    _say(started, f"wrote {path}, measuring it")
    add_to_card(path, measured(path, learner.averaged, dev_sets(cache, encoder=ears)))
    if learner.averaged_speller:
        _say(started, f"wrote {put_beside(path, learner.averaged_speller, joint.KIND)}")
    _say(started, f"{path} is done")


def _say(started: float, text: str) -> None:
    click.echo(f"{time.monotonic() - started:6.0f} s  {text}", err=True)


if __name__ == "__main__":
    train_recognizer()
