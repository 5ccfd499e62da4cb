"""`kws selftest`: replay the bundled recordings and compare."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kws.commands.options import delegate_option, engine_option, load_engine
from kws.delegates import Delegate
from kws.errors import KwsError
from kws.runtimes import chosen

if TYPE_CHECKING:
    from kws.engine import Engine
    from kws.events import Detection
    from kws.selftest import Recording

DIFFERENT = 1
"""Exit code when something is not heard as expected."""


@click.command()
@click.option("--write", is_flag=True, help="For developers: make what is heard now the expectation.")
@click.option(
    "--recordings",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with recordings and their .events.jsonl, instead of those bundled.",
)
@delegate_option
@engine_option
def selftest(write: bool, folder: Path | None, delegate: Delegate | None) -> int:
    """Check that this installation hears what it should.

    Replays the bundled recordings and compares. Detections must agree in name and model step; with another
    engine than litert, or another processor than x86-64, they may be 0.1 s apart, or differ where a score
    hardly reaches its threshold, which is then told. Exit code 1 if they do not.

    With --delegate, what it computes is compared with the processor's outputs first.
    """
    from kws.bundle import bundled_names
    from kws.selftest import bundled_recordings, recordings_in

    recordings = recordings_in(folder) if folder else bundled_recordings()
    if not bundled_names() or not recordings:
        raise KwsError("selftest: models or recordings are missing from the package; install kws again")
    engine = load_engine(tuple(bundled_names()), delegate=delegate)
    if delegate:
        _compare(engine, delegate, recordings)
    if write:
        return _write(recordings, engine)
    bad = sum(not _check(recording, engine) for recording in recordings)
    click.echo(
        f"selftest: {bad} of {len(recordings)} recordings differ" if bad else "selftest: all as expected"
    )
    return DIFFERENT if bad else 0


def _compare(engine: Engine, delegate: Delegate, recordings: list[Recording]) -> None:
    """Print how far the delegate is from the processor; raises KwsError if it did not compute."""
    from kws.selftest.parity import parity, rows_of

    plain = load_engine(tuple(word.bundle.name for word in engine.wake_words))
    for word, reference in zip(engine.wake_words, plain.wake_words, strict=True):
        found = parity(word.model, reference.model, rows_of(recordings, word.bundle.front_end))
        if word.model.delegate is None:
            raise KwsError(f"{delegate}: did not compute {word.bundle.name}, for the reason above; mend that")
        click.echo(f"{word.bundle.name}, against the processor: {found}")


def _check(recording: Recording, engine: Engine) -> bool:
    from kws.selftest import differences, largest_score_difference, replay, tolerance_here, tolerated

    expected, heard, allowed = recording.expected, replay(recording, engine), tolerance_here(chosen())
    found = differences(expected, heard, allowed)
    for line in (*found, *(f"tolerated: {one}" for one in tolerated(expected, heard, allowed))):
        click.echo(f"{recording.audio.name}: {line}")
    if not found:
        drift = largest_score_difference(expected, heard)
        click.echo(f"{recording.audio.name}: {len(heard)} detections, scores within {drift:.4f}")
    return not found


def _write(recordings: list[Recording], engine: Engine) -> int:
    from kws.selftest import replay, write_expected

    for recording in recordings:
        heard = [_portable(event, recording) for event in replay(recording, engine)]
        write_expected(recording, heard)
        click.echo(f"{recording.events_path.name}: {len(heard)} detections")
    return 0


def _portable(event: Detection, recording: Recording) -> Detection:
    """The event with the file's name alone as its source: where the package lies is no expectation."""
    return replace(event, source=recording.audio.name)
