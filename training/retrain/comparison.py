"""What two models make of the same clips: scores and events, before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kws.bundle import Bundle
from kws.engine import Engine, WakeWord
from kws.events import Detection
from kws.scoring import score_track
from kws.types import Block
from training.retrain.clips import MarkedClip


@dataclass(frozen=True)
class Heard:
    """One clip as one model heard it."""

    score: float
    """The highest."""
    events: int
    """Detections at the model's own threshold."""

    def __str__(self) -> str:
        return f"{self.score:.2f} ({self.events})"


@dataclass(frozen=True)
class Change:
    """One clip before and after."""

    clip: MarkedClip
    before: Heard
    after: Heard


def compare(clips: Sequence[MarkedClip], old: Bundle, new: Bundle) -> list[Change]:
    """Each clip by both models, from a fresh state."""
    before, after = ([hear(bundle, clip) for clip in clips] for bundle in (old, new))
    return [Change(*each) for each in zip(clips, before, after, strict=True)]


def hear(bundle: Bundle, clip: MarkedClip) -> Heard:
    """Score and events of one clip."""
    word = WakeWord(bundle)
    track = score_track([Block(clip.samples)], word)
    word.reset()
    events = Engine([word]).push(Block(clip.samples))
    return Heard(float(track.score.max(initial=0.0)), sum(isinstance(e, Detection) for e in events))


def table(changes: Sequence[Change]) -> Iterator[str]:
    """Lines: of each clip the highest score before and after, its events in brackets; then the sums."""
    width = max(len(change.clip.name) for change in changes)
    yield f"{'clip':<{width}}  {'before':>10}  {'after':>10}"
    for change in changes:
        yield f"{change.clip.name:<{width}}  {change.before!s:>10}  {change.after!s:>10}"
    yield from sums(changes)


def sums(changes: Sequence[Change]) -> Iterator[str]:
    """One line about the words that were missed, one about the false alarms, where there are any."""
    for said, text in ((True, "missed words that are heard"), (False, "false alarms that are still raised")):
        those = [change for change in changes if change.clip.said is said]
        if those:
            before, after = (
                sum(getattr(change, when).events > 0 for change in those) for when in ("before", "after")
            )
            yield f"{text}: {before} of {len(those)} before, {after} of {len(those)} after"
