"""The subcommand `kws retrain`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from kws.bundle import Bundle, find_bundle, read_bundle
from kws.errors import KwsError
from kws.types import Samples
from training.enroll.ways import THRESHOLD, Way, way_for
from training.job import Job, run
from training.material.ingredients import trainable
from training.progress import bars_shown
from training.recipe import find_recipe, read_recipe
from training.retrain.clips import MarkedClip, false_alarms, read_clips, takes_of
from training.retrain.comparison import compare, table
from training.retrain.figures import measured


@click.command()
@click.argument("model")
@click.option(
    "--recordings",
    type=click.Path(path_type=Path),
    required=True,
    help="What the daemon keeps: a folder with missed/ and false-alarm/ in it.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory for the new bundle."
)
@click.option(
    "--recipe", metavar="RECIPE", help="Train anew by this recipe, bundled name or path, whatever MODEL is."
)
@click.option("--synthetic-only", is_flag=True, help="Leave the real recordings under KWS_DATA alone.")
@click.option(
    "--no-figures", is_flag=True, help="Measure neither model on the dev recordings under KWS_DATA."
)
@click.option("--seed", default=1, show_default=True, help="Seed of everything random.")
@click.option("--resume", is_flag=True, help="Go on where Ctrl-C ended the same training.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path(".cache"),
    show_default=True,
    help="Where speech and tapes are kept.",
)
def retrain(
    model: str,
    recordings: Path,
    output: Path,
    recipe: str | None,
    synthetic_only: bool,
    no_figures: bool,
    seed: int,
    resume: bool,
    cache: Path,
) -> None:
    """Make MODEL better by the clips that the daemon kept at its users' word.

    Words that were missed are learned as words, false alarms as what is none. A head on the published encoder
    is learned again, a network goes on learning from the float weights beside it; with --recipe another model
    is trained anew. Then scores and events of all clips are shown, before and after.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        old = find_bundle(model)
        _check_output(old, output)
        clips = read_clips(recordings)
        way = _way(old, recipe, real=not synthetic_only)
        assert way.recipe
        told = ["kws", "retrain", model, "--recordings", str(recordings), "-o", str(output)]
        job = Job(
            old.wake_word.lower(),
            way.recipe,
            output,
            seed,
            not synthetic_only and bool(trainable()),
            cache,
            shlex.join([*told, "--seed", str(seed)]),
            _takes(clips, old),
            way.start,
            resume,
            tuple(false_alarms(clips)),
        )
        _say(f"{way.name}, with {len(job.own)} missed words and {len(job.false_alarms)} false alarms")
        with bars_shown():
            new = read_bundle(run(job))
        if not no_figures:
            new = measured(old, new)
        for line in table(compare(clips, old, new)):
            click.echo(line)
    except KwsError as error:
        raise click.ClickException(str(error)) from error


def _check_output(bundle: Bundle, output: Path) -> None:
    if output.resolve() == bundle.manifest_path.parent.resolve():
        raise KwsError(f"{output}: the model itself lies there; give another folder with -o")


def _way(bundle: Bundle, recipe: str | None, *, real: bool) -> Way:
    """That of the recipe, or the best one that the bundle allows."""
    if recipe:
        return Way("train anew", "", read_recipe(find_recipe(recipe)))
    way = way_for(bundle, has_recordings=real and bool(trainable()))
    if way.name == THRESHOLD:
        raise KwsError(
            f"{bundle.name}: cannot go on learning: {way.why}; train anew, in minutes with "
            "--recipe embedding_head, or with the recipe that it had"
        )
    return way


def _takes(clips: Sequence[MarkedClip], bundle: Bundle) -> tuple[Samples, ...]:
    """The missed words; KwsError where nothing is left to learn from."""
    takes, lost = takes_of(clips, bundle)
    for line in lost:
        _say(f"left out: {line}")
    if not takes and all(clip.said for clip in clips):
        raise KwsError("none of the clips can be learned from")
    return tuple(take.samples for take in takes)


def _say(text: str) -> None:
    click.echo(text, err=True)
