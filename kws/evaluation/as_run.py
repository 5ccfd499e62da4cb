"""What an engine makes of the streams of a trial: its detections, second stage and refractory time included.

A score track knows the first stage alone; this is what `kws run` would have said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kws.engine import Engine
from kws.evaluation.intervals import Proportion, Rate
from kws.evaluation.matching import Matched, match_detections
from kws.evaluation.trial_streams import Stream
from kws.events import Detection


@dataclass(frozen=True)
class AsRun:
    """Detections against words, and without them."""

    title: str
    """What ran."""
    words: Mapping[str, Matched]
    """By condition."""
    paths: tuple[Path, ...]
    """The clips, in the order of the streams."""
    false_alarms: Rate
    """Detections in the talk, at most one in 2 s."""

    def misses(self, condition: str) -> Proportion:
        """Words that were not detected."""
        return self.words[condition].misses

    def missed(self, condition: str) -> list[Path]:
        """Their clips."""
        heard = self.words[condition].heard
        return [path for path, was_heard in zip(self.paths, heard, strict=True) if not was_heard]


def as_run(engine: Engine, words: Mapping[str, Stream], paths: Sequence[Path], talk: Stream) -> AsRun:
    """Hear all streams, each from a fresh start.

    Args:
        engine: with one wake word.
        words: streams of the clips, by condition.
        paths: the clips, in the streams' order.
        talk: recordings without the word.
    """
    matched = {condition: _matched(engine, stream) for condition, stream in words.items()}
    alarms = _matched(engine, talk).false_alarms
    return AsRun(_title(engine), matched, tuple(paths), Rate(len(alarms), talk.layout.hours))


def _title(engine: Engine) -> str:
    (word,) = engine.wake_words
    title, second = f"as it runs, at {word.detectors[0].config.threshold:g}", word.second_stage
    if second:
        title += f" and confirmed by {Path(second['confirm']).stem} at {second['confirm_threshold']:g}"
    return title


def _matched(engine: Engine, stream: Stream) -> Matched:
    engine.reset()
    events = [event for block in stream.blocks() for event in engine.push(block)] + engine.flush()
    return match_detections([e for e in events if isinstance(e, Detection)], stream.layout.occurrences)
