"""The subcommand `kws enroll`."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import click

from kws.bundle import Bundle, find_bundle, read_bundle
from kws.errors import KwsError
from kws.sources import open_source
from kws.types import Samples
from training.enroll.listening import best_scores, personal_threshold, with_threshold
from training.enroll.ways import THRESHOLD, Way, way_for
from training.job import Job, run
from training.options import cache_option, output_option, resume_option, seed_option
from training.progress import bars_shown

LEAST, MOST = 3, 20
"""Takes: fewer say too little of a voice, and nobody says a word more often for this."""


@click.command()
@click.argument("model")
@click.argument("clips", nargs=-1, type=click.Path(path_type=Path))
@output_option
@click.option(
    "--record", type=click.IntRange(LEAST, MOST), metavar="N", help=f"Record {LEAST} to {MOST} takes first."
)
@click.option("--source", default="mic:", show_default=True, help="Where they are recorded from.")
@click.option("--threshold-only", is_flag=True, help="Leave the network as it is, in seconds.")
@click.option(
    "--max-false-alarms-per-day",
    default=24.0,
    show_default=True,
    help="How low a threshold may go, by the model's calibration table, where only that is changed.",
)
@seed_option
@resume_option
@cache_option
def enroll(
    model: str,
    clips: tuple[Path, ...],
    output: Path,
    record: int | None,
    source: str,
    threshold_only: bool,
    max_false_alarms_per_day: float,
    seed: int,
    resume: bool,
    cache: Path,
) -> None:
    """Make MODEL better for one voice, from CLIPS (files or folders) of it, or takes recorded now.

    A head on the published encoder is learned again, a network goes on learning from the float weights beside
    it; where neither can be done, and with --threshold-only, the threshold alone is changed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        bundle = find_bundle(model)
        phrase = bundle.wake_word.lower()
        places = (*clips, _recorded(phrase, record, source, output / "takes")) if record else clips
        takes = _takes(phrase, places)
        has_recordings = _has_recordings()
        way = way_for(bundle, has_recordings=has_recordings)
        way = Way(THRESHOLD, "as asked for") if threshold_only else way
        if way.recipe is None:
            _change_threshold(bundle, takes, way, output, max_false_alarms_per_day)
        else:
            options = ["-o", str(output), "--seed", str(seed)]
            command = shlex.join(["kws", "enroll", model, *map(str, places), *options])
            _say(f"{way.name} with {len(takes)} takes")
            job = Job(
                phrase, way.recipe, output, seed, has_recordings, cache, command, takes, way.start, resume
            )
            _learn(bundle, job)
    except KwsError as error:
        raise click.ClickException(str(error)) from error


def _recorded(phrase: str, count: int, source: str, folder: Path) -> Path:
    """The folder that now holds so many more takes."""
    from training.material.own_takes import record_takes, write_takes

    with open_source(source) as blocks:
        write_takes(folder, record_takes(blocks, count, phrase, _say))
    _say(f"{count} takes are kept in {folder}")
    return folder


def _takes(phrase: str, places: tuple[Path, ...]) -> tuple[Samples, ...]:
    from training.cli import takes_in

    if not places:
        raise KwsError("no clips; name files or folders of your voice, or record some with --record 5")
    return takes_in(places, phrase, least=LEAST)


def _has_recordings() -> bool:
    from training.material.ingredients import trainable

    return bool(trainable())


def _change_threshold(
    bundle: Bundle, takes: Sequence[Samples], way: Way, output: Path, most_per_day: float
) -> None:
    _say(f"only the threshold is changed: {way.why}")
    chosen = personal_threshold(bundle, takes, most_per_day)
    path = with_threshold(bundle, chosen.threshold, output)
    _compare(bundle, read_bundle(path), takes)
    if chosen.threshold < bundle.threshold:
        _say(f"false alarms at threshold {chosen.cost.threshold:g}, the lowest allowed: {chosen.cost}")
    _say(f"wrote {path}")


def _learn(bundle: Bundle, job: Job) -> None:
    with bars_shown():
        path = run(job)
    _compare(bundle, read_bundle(path), job.own)
    _say("the new model has learned from these takes, so on another day it may hear you less well")


def _compare(old: Bundle, new: Bundle, takes: Sequence[Samples]) -> None:
    for name, bundle in (("before", old), ("now", new)):
        scores = best_scores(bundle, takes)
        heard = sum(score >= bundle.threshold for score in scores)
        _say(
            f"{name}: {heard} of {len(takes)} takes heard at threshold {bundle.threshold:g}; "
            f"the weakest scores {min(scores):.2f}"
        )


def _say(text: str) -> None:
    click.echo(text, err=True)
