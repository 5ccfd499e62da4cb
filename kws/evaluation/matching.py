"""Which words were heard and what was heard without a word.

A word counts as heard when something happens between its start and 0.75 s past its end: a score track
reaches a threshold, or a running engine emits a Detection. Both are judged by the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kws.evaluation.intervals import Proportion
from kws.events import Detection
from kws.scoring import ScoreTrack

HIT_SECONDS = 0.75
"""How long after a word's end it may still be recognized."""
APART_SECONDS = 2.0
"""False alarms closer than this to the last one counted are the same disturbance."""

Times = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Occurrence:
    """A word in a stream, seconds."""

    start: float
    end: float


@dataclass(frozen=True)
class Matched:
    """Detections against occurrences."""

    heard: tuple[bool, ...]
    """For each occurrence, whether a detection fell into its hit window."""
    latencies: tuple[float, ...]
    """Seconds from the word's end to its first detection (negative: before it), of the words heard."""
    false_alarms: tuple[float, ...]
    """When something was detected and no word was there, seconds."""

    @property
    def misses(self) -> Proportion:
        """Words not heard."""
        return Proportion(len(self.heard) - sum(self.heard), len(self.heard))


def best_scores(track: ScoreTrack, occurrences: Sequence[Occurrence]) -> npt.NDArray[np.float32]:
    """The highest score within each hit window, shape (occurrences,); -inf where no step falls into it."""
    best = [track.score[steps].max(initial=-np.inf) for steps in _windows(track, occurrences)]
    return np.array(best, np.float32)


def misses(best: npt.NDArray[np.float32], threshold: float) -> Proportion:
    """Occurrences whose best score does not reach the threshold."""
    return Proportion(int(np.count_nonzero(best < np.float32(threshold))), len(best))


def latencies(track: ScoreTrack, occurrences: Sequence[Occurrence], threshold: float) -> Times:
    """Seconds from a word's end to the first step of its hit window at the threshold, of the words heard."""
    found = []
    for occurrence, steps in zip(occurrences, _windows(track, occurrences), strict=True):
        reached = np.flatnonzero(track.score[steps] >= np.float32(threshold))
        if len(reached):
            found.append(track.time[steps][reached[0]] - occurrence.end)
    return np.array(found, np.float64)


def false_alarm_times(
    track: ScoreTrack, threshold: float, occurrences: Sequence[Occurrence] = ()
) -> list[float]:
    """When the score reaches the threshold with no word there, at most once in 2 s.

    A step rises when it reaches the threshold and the step before did not. Rises inside a hit window
    are no false alarms, nor is a score that rose there and stays high past it. Of the rises left, in order,
    each counts that comes 2 s or more after the last one counted.
    """
    above = track.score >= np.float32(threshold)
    rises = track.time[np.flatnonzero(above & ~np.concatenate([[False], above[:-1]]))]
    return apart(rises[~in_hit_window(rises, occurrences)])


def match_detections(detections: Iterable[Detection], occurrences: Sequence[Occurrence]) -> Matched:
    """The same rules on events; a second detection of one word is neither hit nor false alarm."""
    times = np.array([detection.end for detection in detections], np.float64)
    first = [times[_within(times, occurrence)][:1] for occurrence in occurrences]
    return Matched(
        heard=tuple(bool(len(time)) for time in first),
        latencies=tuple(
            float(time[0] - word.end) for word, time in zip(occurrences, first, strict=True) if len(time)
        ),
        false_alarms=tuple(apart(times[~in_hit_window(times, occurrences)])),
    )


def in_hit_window(times: Times, occurrences: Sequence[Occurrence]) -> npt.NDArray[np.bool_]:
    """For each time whether some word's hit window holds it; occurrences in order of their start."""
    if not occurrences:
        return np.zeros(len(times), np.bool_)
    starts = np.array([word.start for word in occurrences])
    ends = np.maximum.accumulate([word.end + HIT_SECONDS for word in occurrences])
    previous = np.searchsorted(starts, times, side="right") - 1
    return (previous >= 0) & (times <= ends[previous])


def apart(times: Times) -> list[float]:
    """Those of the sorted times that come 2 s or more after the last one kept."""
    kept: list[float] = []
    for time in times.tolist():
        if not kept or time - kept[-1] >= APART_SECONDS:
            kept.append(time)
    return kept


def _windows(track: ScoreTrack, occurrences: Sequence[Occurrence]) -> list[slice]:
    first = np.searchsorted(track.time, [word.start for word in occurrences], side="left")
    last = np.searchsorted(track.time, [word.end + HIT_SECONDS for word in occurrences], side="right")
    return [slice(a, b) for a, b in zip(first, last, strict=True)]


def _within(times: Times, word: Occurrence) -> npt.NDArray[np.bool_]:
    return (times >= word.start) & (times <= word.end + HIT_SECONDS)
