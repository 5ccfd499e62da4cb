"""From measured counts to a threshold: the table in a model's bundle and the choice made from it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kws.errors import KwsError
from kws.evaluation.det import Det
from kws.evaluation.intervals import Proportion, Rate
from kws.evaluation.matching import false_alarm_times, misses
from kws.scoring import ScoreTrack

_EVEN_GRID = np.round(np.arange(0.05, 1.0, 0.05), 2)
_FALSE_ALARM_LEVELS = (0, 1, 2, 3, 5, 8, 12, 20, 30)


@dataclass(frozen=True)
class CalibrationRow:
    """What one threshold did on the measured recordings."""

    threshold: float
    misses: Proportion
    """Words as recorded."""
    noisy_misses: Proportion
    """The same words at 10 dB SNR."""
    false_alarms: Rate
    """On speech without the word."""

    def to_json(self) -> dict[str, Any]:
        """Counts, and the 95 % intervals for readers that cannot compute them."""
        return {
            "threshold": self.threshold,
            "misses": self.misses.count,
            "occurrences": self.misses.total,
            "miss_interval": _rounded(self.misses.interval),
            "misses_10db": self.noisy_misses.count,
            "occurrences_10db": self.noisy_misses.total,
            "miss_interval_10db": _rounded(self.noisy_misses.interval),
            "false_alarms": self.false_alarms.count,
            "hours": round(self.false_alarms.hours, 3),
            "false_alarms_per_hour_interval": _rounded(self.false_alarms.interval),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> CalibrationRow:
        """Inverse of `to_json`; raises KwsError naming the key that is missing."""
        try:
            return cls(
                float(row["threshold"]),
                Proportion(int(row["misses"]), int(row["occurrences"])),
                Proportion(int(row["misses_10db"]), int(row["occurrences_10db"])),
                Rate(int(row["false_alarms"]), float(row["hours"])),
            )
        except KeyError as error:
            raise KwsError(f"calibration row without {error}; calibrate the model again") from error


@dataclass(frozen=True)
class ThresholdChoice:
    """A threshold and what is known about its false alarms."""

    threshold: float
    false_alarms: Rate

    @property
    def per_day(self) -> float:
        """The estimate."""
        return 24 * self.false_alarms.per_hour

    @property
    def upper_per_day(self) -> float:
        """What the hours behind it support with 95 % confidence."""
        return 24 * self.false_alarms.upper_bound

    def supports(self, max_per_day: float) -> bool:
        """Whether the upper bound keeps to this as well, not only the estimate."""
        return self.upper_per_day <= max_per_day

    def __str__(self) -> str:
        """As in "0 in 6.0 h: at most 12 a day with 95 % confidence"; the bound is rounded up."""
        digits = 1 if self.upper_per_day >= 10 else 10
        bound = math.ceil(self.upper_per_day * digits) / digits
        heard = f"{self.false_alarms.count} in {self.false_alarms.hours:.1f} h"
        return f"{heard}: at most {bound:g} a day with 95 % confidence"


def calibration_thresholds(det: Det) -> list[float]:
    """Thresholds worth a row, ascending: an even grid, and the lowest for each of some false alarm counts."""
    levels = [det.thresholds[det.false_alarms <= most].min(initial=2.0) for most in _FALSE_ALARM_LEVELS]
    lowest = det.thresholds.min(initial=2.0)
    chosen = {float(t) for t in (*_EVEN_GRID, *levels) if lowest <= t <= 1}
    return sorted(chosen)


def calibrate(
    thresholds: Iterable[float],
    best: npt.NDArray[np.float32],
    noisy_best: npt.NDArray[np.float32],
    negative: ScoreTrack,
    hours: float,
) -> list[CalibrationRow]:
    """A row for each threshold: best scores of the words, clean and at 10 dB, and a track without them."""
    return [
        CalibrationRow(
            threshold,
            misses(best, threshold),
            misses(noisy_best, threshold),
            Rate(len(false_alarm_times(negative, threshold)), hours),
        )
        for threshold in thresholds
    ]


def threshold_for(
    calibration: Sequence[Mapping[str, Any]], max_false_alarms_per_day: float, *, strict: bool = False
) -> ThresholdChoice:
    """The lowest calibrated threshold whose estimate, like that of every higher one, keeps to the maximum.

    Args:
        calibration: the table of a bundle, rows in any order.
        max_false_alarms_per_day: what the user accepts.
        strict: refuse when the measured hours cannot support that with 95 % confidence.

    Raises:
        KwsError: no table, no threshold that keeps to it, or (strict) too few hours behind it.
    """
    if not calibration:
        raise KwsError("the model has no calibration table; give --threshold, or calibrate it first")
    rows = sorted(map(CalibrationRow.from_json, calibration), key=lambda row: -row.threshold)
    if strict:
        return _supported(rows, max_false_alarms_per_day)
    return _choice(_keeping_to(rows, max_false_alarms_per_day), max_false_alarms_per_day)


def _keeping_to(rows: Sequence[CalibrationRow], max_per_day: float) -> list[CalibrationRow]:
    """Rows from the highest threshold down to the first that exceeds the maximum."""
    kept = []
    for row in rows:
        if 24 * row.false_alarms.per_hour > max_per_day:
            break
        kept.append(row)
    return kept


def _choice(rows: Sequence[CalibrationRow], max_per_day: float) -> ThresholdChoice:
    """The last of these rows."""
    if not rows:
        raise KwsError(
            f"no calibrated threshold has {max_per_day:g} false alarms a day or fewer; "
            "allow more, or give --threshold"
        )
    return ThresholdChoice(rows[-1].threshold, rows[-1].false_alarms)


def _supported(rows: Sequence[CalibrationRow], max_per_day: float) -> ThresholdChoice:
    """The lowest threshold whose upper bound keeps to the maximum too."""
    kept = _keeping_to(rows, max_per_day)
    choice = _choice(kept, max_per_day)
    choices = [ThresholdChoice(row.threshold, row.false_alarms) for row in kept]
    supported = [choice for choice in choices if choice.supports(max_per_day)]
    if not supported:
        raise KwsError(
            f"{max_per_day:g} false alarms a day is less than the measurement can promise ({choices[0]}); "
            f"measure more hours, or leave out --strict and take threshold {choice.threshold:g}"
        )
    return supported[-1]


def _rounded(interval: tuple[float, float]) -> list[float]:
    return [round(limit, 4) for limit in interval]
