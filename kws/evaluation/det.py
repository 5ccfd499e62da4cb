"""Misses against false alarms for every threshold: the detection error trade-off (Martin et al. 1997)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kws.evaluation.intervals import Proportion, Rate
from kws.evaluation.matching import Occurrence, apart, in_hit_window
from kws.scoring import ScoreTrack

THRESHOLD_GRID = 10_000
"""Thresholds are whole multiples of 1 / this. A uint8 model's smoothed scores lie further apart, so its
curve is complete; and a threshold is the same number in JSON, on the command line and here."""


@dataclass(frozen=True)
class OperatingPoint:
    """What one threshold does."""

    threshold: float
    """May exceed 1 by one grid step: then only a threshold that never fires keeps to the rate asked for."""
    misses: Proportion
    false_alarms: Rate


@dataclass(frozen=True, eq=False)
class Det:
    """The trade-off, one entry per threshold, from the highest down."""

    thresholds: npt.NDArray[np.float64]
    misses: npt.NDArray[np.int64]
    occurrences: int
    false_alarms: npt.NDArray[np.int64]
    hours: float
    """Of the audio in which the false alarms were counted."""

    def __len__(self) -> int:
        return len(self.thresholds)

    def __getitem__(self, index: int) -> OperatingPoint:
        return OperatingPoint(
            float(self.thresholds[index]),
            Proportion(int(self.misses[index]), self.occurrences),
            Rate(int(self.false_alarms[index]), self.hours),
        )

    def against(self, best: npt.NDArray[np.float32]) -> Det:
        """The same thresholds and false alarms with the misses of other occurrences, say in noise."""
        return replace(self, misses=_misses(best, self.thresholds), occurrences=len(best))


def det_curve(
    best: npt.NDArray[np.float32],
    negative: ScoreTrack,
    hours: float,
    *,
    occurrences: Sequence[Occurrence] = (),
    max_per_hour: float = 100.0,
) -> Det:
    """The trade-off between the misses of some occurrences and the false alarms on a track.

    Going down from the highest threshold, it ends where the rate first exceeds `max_per_hour`: below,
    the score stays above the threshold for minutes, rises seldom, and the count means nothing. That also
    bounds the work, which is about (rises above the lowest threshold) x (thresholds).

    Args:
        best: highest score of each occurrence, from `best_scores`.
        negative: the track in which false alarms are counted by the rule of `false_alarm_times`.
        hours: what that track counts as.
        occurrences: words on the negative track, if any, around which nothing is a false alarm.
        max_per_hour: false alarms per hour at which the curve ends.
    """
    rises = _Rises.of(negative, occurrences)
    thresholds, counts = [], []
    for threshold in _thresholds(np.concatenate([rises.score, rises.before, best])):
        count = rises.false_alarms(threshold)
        if count > max_per_hour * hours:
            break
        thresholds.append(threshold)
        counts.append(count)
    kept = np.array(thresholds)
    return Det(kept, _misses(best, kept), len(best), np.array(counts, np.int64), hours)


def operating_point(det: Det, false_alarms_per_hour: float) -> OperatingPoint:
    """The lowest threshold that, like every higher one, has at most this rate."""
    exceeds = np.flatnonzero(det.false_alarms > false_alarms_per_hour * det.hours)
    return det[exceeds[0] - 1 if len(exceeds) else len(det) - 1]


@dataclass(frozen=True, eq=False)
class _Rises:
    """Steps outside all hit windows whose score is higher than the one before, lowest first."""

    time: npt.NDArray[np.float64]
    score: npt.NDArray[np.float32]
    before: npt.NDArray[np.float32]
    """Score of the step before."""

    @classmethod
    def of(cls, track: ScoreTrack, occurrences: Sequence[Occurrence]) -> _Rises:
        before = np.concatenate([[np.float32(-1)], track.score[:-1]]).astype(np.float32)
        steps = np.flatnonzero(track.score > before)
        steps = steps[~in_hit_window(track.time[steps], occurrences)]
        steps = steps[np.argsort(track.score[steps], kind="stable")]
        return cls(track.time[steps], track.score[steps], before[steps])

    def false_alarms(self, threshold: float) -> int:
        """Rises through the threshold that are 2 s apart."""
        reaching = slice(int(np.searchsorted(self.score, np.float32(threshold))), None)
        through = self.before[reaching] < np.float32(threshold)
        return len(apart(np.sort(self.time[reaching][through])))


def _thresholds(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """For each score the highest grid value that it reaches, descending, after one that none reaches."""
    scores = scores[scores > 0]
    cells = np.floor(scores.astype(np.float64) * THRESHOLD_GRID).astype(np.int64)
    cells += ((cells + 1) / THRESHOLD_GRID).astype(np.float32) <= scores  # 0.775 is less as float32
    return np.concatenate([[cells.max(initial=0) + 1], np.unique(cells)[::-1]]) / THRESHOLD_GRID


def _misses(best: npt.NDArray[np.float32], thresholds: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    return np.searchsorted(np.sort(best), thresholds.astype(np.float32), side="left").astype(np.int64)
