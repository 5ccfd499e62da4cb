"""Where a phrase begins and ends in recordings of it: by forced alignment, or else by energy.

    python -m training.words.word_ends [PHRASE ...]

prints for the clips under KWS_DATA how often and how far the two differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import click
import numpy as np

from kws.bundle import bundled_names
from kws.errors import KwsError
from kws.evaluation.activity import speech_span
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE
from training.data.manifest import Clip, read_manifest, recordings_manifest
from training.progress import bars_shown
from training.shards import WORKERS, spread
from training.words.align import Aligner, AlignmentError, WordTime, align_file
from training.words.lexicon import dictionary, words_of

Span = tuple[int, int]
"""First and last sample (exclusive)."""

APART_SECONDS = 0.1
"""Ends that lie farther apart than this are counted as different."""


def phrase_spans(
    clips: Sequence[Clip], phrase: str, *, cache: Path, workers: int = WORKERS
) -> dict[Path, Span]:
    """Where the phrase is in those of the clips in which it is found by alignment; the others are left out.

    Only phrases whose words all stand in the dictionary are looked for: a pronunciation by rule may be wrong,
    and a wrong one moves the end without a warning.
    """
    if not words_of(phrase) or any(word not in dictionary() for word in words_of(phrase)):
        return {}
    tasks = [(clip.path, transcript_of(clip, phrase)) for clip in clips]
    found = spread(_phrase_span, (phrase, cache), tasks, f"aligning {len(tasks)} clips", workers=workers)
    return {path: span for (path, _), span in zip(tasks, found, strict=True) if span}


def transcript_of(clip: Clip, phrase: str) -> str:
    """Its label; labels of wake words such as "heycomputer" are written without spaces."""
    label = clip.label.lower()
    joined = phrase.replace(" ", "")
    if clip.kind != "wakeword" or clip.says(phrase):
        return label
    return label.replace(" ", "").replace(joined, f" {phrase} ").strip()


def _phrase_span(known: tuple[str, Path], task: tuple[Path, str]) -> Span | None:
    (phrase, cache), (path, transcript) = known, task
    try:
        return _last_span(align_file(path, transcript, cache, shared_aligner()), words_of(phrase))
    except AlignmentError:
        return None


def _last_span(times: Sequence[WordTime], words: Sequence[str]) -> Span | None:
    """Of the last time these words follow one another."""
    said = [time.word for time in times]
    for first in range(len(said) - len(words), -1, -1):
        if said[first : first + len(words)] == list(words):
            start, end = times[first].start, times[first + len(words) - 1].end
            return round(start * SAMPLE_RATE), round(end * SAMPLE_RATE)
    return None


@lru_cache(maxsize=1)
def shared_aligner() -> Aligner:
    """One for all; making it takes half a second."""
    return Aligner()


@dataclass(frozen=True)
class Difference:
    """One recording of a phrase: what alignment and energy say of it."""

    clip: Clip
    aligned: Span | None
    by_energy: Span

    @property
    def seconds(self) -> float:
        """How much later the aligned end is."""
        assert self.aligned
        return (self.aligned[1] - self.by_energy[1]) / SAMPLE_RATE


def differences(clips: Sequence[Clip], phrase: str, *, cache: Path) -> Iterator[Difference]:
    """Of every clip."""
    spans = phrase_spans(clips, phrase, cache=cache)
    for clip in clips:
        yield Difference(clip, spans.get(clip.path), speech_span(read_samples(clip.path)))


def summary(found: Sequence[Difference]) -> str:
    """One line."""
    late = np.array([difference.seconds for difference in found if difference.aligned])
    if not len(late):
        return f"{len(found)} clips, none aligned"
    low, middle, high = np.percentile(late, [5, 50, 95])
    return (
        f"{len(found)} clips, {len(found) - len(late)} not aligned; the aligned end is more than "
        f"{1000 * APART_SECONDS:.0f} ms earlier in {np.sum(late < -APART_SECONDS)}, later in "
        f"{np.sum(late > APART_SECONDS)}; difference {middle:+.2f} s, 90 % in {low:+.2f} to {high:+.2f}"
    )


@click.command()
@click.argument("phrases", nargs=-1)
@click.option("--worst", default=0, help="List this many clips that differ most.")
@click.option("--cache", type=click.Path(path_type=Path), default=Path(".cache") / "align", show_default=True)
def main(phrases: tuple[str, ...], worst: int, cache: Path) -> None:
    """How often word ends by alignment and by energy differ, for PHRASES, by default the bundled words."""
    try:
        clips = [clip for clip in read_manifest(recordings_manifest()) if clip.kind == "wakeword"]
        for phrase in phrases or bundled_names():
            joined = phrase.replace(" ", "")
            for split in ("train", "dev"):
                said = [c for c in clips if c.split == split and c.label.replace(" ", "").lower() == joined]
                with bars_shown():
                    found = list(differences(said, phrase, cache=cache))
                click.echo(f"{phrase}, {split}: {summary(found)}")
                aligned = sorted((d for d in found if d.aligned), key=lambda d: -abs(d.seconds))
                for one in aligned[:worst]:
                    click.echo(f"  {one.seconds:+.2f} s  {one.clip.corpus}  {one.clip.path.name}")
    except KwsError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
