"""The subcommand `kws train`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from kws.errors import KwsError
from kws.types import Samples
from training.job import Job, run
from training.options import cache_option, output_option, resume_option, seed_option
from training.progress import bars_shown
from training.recipe import default_recipe, find_recipe, read_recipe, short_name
from training.shards import on_ray
from training.words.phrase import doubts, tidied


@click.command()
@click.argument("phrase")
@output_option
@click.option(
    "--recipe",
    metavar="RECIPE",
    help="Bundled name or path of a recipe.  [default: embedding_head; without the extra encoder micro_head]",
)
@click.option(
    "--recordings",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="PLACE",
    help="Clips of the phrase, a file or a folder; may be given again.",
)
@seed_option
@click.option("--synthetic-only", is_flag=True, help="Leave the real recordings under KWS_DATA alone.")
@resume_option
@click.option("--ray", metavar="ADDRESS", help="Speak and make tapes on this Ray cluster.")
@cache_option
def train(
    phrase: str,
    output: Path,
    recipe: str | None,
    recordings: tuple[Path, ...],
    seed: int,
    synthetic_only: bool,
    resume: bool,
    ray: str | None,
    cache: Path,
) -> None:
    """Train a wake word: PHRASE as it is spelled, for example "hey computer".

    The result is a head on the published speech embedding, for desktops and a Raspberry Pi; --recipe gru
    trains a network of its own, which microcontrollers run too.
    """
    path = find_recipe(recipe or default_recipe())
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        phrase = tidied(phrase)
        command = command_line(phrase, output, path, seed, synthetic_only, recordings)
        settings = read_recipe(path)
        for doubt in doubts(phrase):
            click.echo(doubt, err=True)
        with on_ray(ray), bars_shown():
            own = takes_in(recordings, phrase) if recordings else ()
            run(Job(phrase, settings, output, seed, not synthetic_only, cache, command, own, resume=resume))
    except KwsError as error:
        raise click.ClickException(str(error)) from error


def command_line(
    phrase: str,
    output: Path,
    recipe: Path,
    seed: int,
    synthetic_only: bool,
    recordings: tuple[Path, ...] = (),
) -> str:
    """The command that makes the same again, for the card; run where its relative paths lead to the same."""
    options = ["-o", str(output), "--recipe", short_name(recipe), "--seed", str(seed)]
    places = [part for place in recordings for part in ("--recordings", str(place))]
    return shlex.join(["kws", "train", phrase, *options, *places, *["--synthetic-only"] * synthetic_only])


def takes_in(places: tuple[Path, ...], phrase: str, *, least: int = 1) -> tuple[Samples, ...]:
    """Samples of the usable takes; the others are named. KwsError where fewer than `least` are left."""
    from training.material.own_takes import read_takes

    usable, refused = read_takes(places, phrase)
    for line in refused:
        click.echo(f"left out: {line}", err=True)
    if len(usable) < least:
        raise KwsError(f"{len(usable)} usable clips of {phrase!r}, at least {least} needed; record more")
    return tuple(take.samples for take in usable)


if __name__ == "__main__":
    train()
