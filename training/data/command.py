"""The subcommand `kws data`: a folder of recordings -> a manifest, with what is in it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

import click

from kws.commands.table import print_table
from kws.errors import KwsError
from training.data.layouts import LAYOUTS, clips_in
from training.data.manifest import KINDS, LICENCES, Clip, write_manifest
from training.data.scan import Broken, named_speakers, scan, tally
from training.data.splits import DEV_SHARE, TEST_SHARE, assign_splits

_SHOWN = 10
"""Broken recordings named on standard error; all of them stand in the list beside the manifest."""


@click.command()
@click.argument("layout", type=click.Choice(sorted(LAYOUTS)))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Table to write."
)
@click.option("--corpus", help="Name of the corpus, instead of the layout's.")
@click.option("--kind", type=click.Choice(KINDS), help="What all clips are, instead of what the layout says.")
@click.option("--label", help="What all clips of words say, instead of what the layout says.")
@click.option("--licence", type=click.Choice(LICENCES), help="ship: models trained on it may be published.")
@click.option("--speaker", metavar="REGEX", help="Finds the speaker in a path, by its first group.")
@click.option("--resplit", is_flag=True, help="Split all speakers by hash, whatever lists the corpus has.")
@click.option("--dev-share", type=click.FloatRange(0, 1), default=DEV_SHARE, show_default=True)
@click.option("--test-share", type=click.FloatRange(0, 1), default=TEST_SHARE, show_default=True)
@click.option(
    "--workers", type=click.IntRange(1), default=2, show_default=True, help="Files heard at a time."
)
def data(
    layout: str,
    folder: Path,
    output: Path,
    corpus: str | None,
    kind: str | None,
    label: str | None,
    licence: str | None,
    speaker: str | None,
    resplit: bool,
    dev_share: float,
    test_share: float,
    workers: int,
) -> None:
    """Write a manifest of the recordings in FOLDER, which is laid out as LAYOUT.

    Every file is heard to its end. Those that cannot be are left out and listed in OUTPUT.broken.txt.
    """
    given = {"corpus": corpus, "kind": kind, "licence": licence}
    changes = {name: value for name, value in given.items() if value is not None}
    named = [_relabelled(replace(clip, **changes), label) for clip in clips_in(layout, folder)]  # type: ignore[arg-type]
    if speaker:
        named = named_speakers(named, _pattern(speaker))
    if resplit:
        named = [replace(clip, split="") for clip in named]
    kept = layout == "table" and not resplit
    split = list if kept else partial(assign_splits, dev_share=dev_share, test_share=test_share)
    with click.progressbar(length=len(named), label="hearing", file=sys.stderr) as bar:
        done = scan(named, split=split, workers=workers, progress=lambda count: bar.update(1))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_manifest(output, done.clips)
        _write_broken(output.with_name(output.name + ".broken.txt"), done.broken)
    except OSError as error:
        raise KwsError(f"{output}: cannot be written ({error.strerror}); name another with -o") from error
    _print_tally(done.clips)
    _complain(done.clips, done.broken, output)


def _relabelled(clip: Clip, label: str | None) -> Clip:
    return replace(clip, label=label) if label is not None and clip.kind in ("word", "wakeword") else clip


def _pattern(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise KwsError(
            f"--speaker {text}: no regular expression ({error}); see the syntax of Python's"
        ) from error
    if not pattern.groups:
        raise KwsError(f"--speaker {text}: put parentheses about the part that names the speaker")
    return pattern


def _write_broken(path: Path, broken: Iterable[Broken]) -> None:
    """The list of an earlier run goes when nothing is broken any more."""
    lines = [f"{entry.path}\t{entry.cause}\n" for entry in broken]
    if lines:
        path.write_text("".join(lines), encoding="utf-8")
    else:
        path.unlink(missing_ok=True)


def _print_tally(clips: list[Clip]) -> None:
    rows = [(t.split, t.kind, t.clips, t.speakers, f"{t.hours:.2f}") for t in tally(clips)]
    print_table(("split", "kind", "clips", "speakers", "hours"), rows)


def _complain(clips: list[Clip], broken: list[Broken], output: Path) -> None:
    for entry in broken[:_SHOWN]:
        click.echo(f"kws: {entry.path}: left out: {entry.cause}", err=True)
    if broken:
        click.echo(f"kws: {len(broken)} left out, listed in {output}.broken.txt", err=True)
    unknown = sum(not clip.speaker and clip.split == "train" for clip in clips)
    if unknown:
        click.echo(
            f"kws: {unknown} clips of unknown speakers are in train; name theirs with --speaker", err=True
        )
