"""Whether confidence means what it says: of what is said with 0.8, four of five should be right.

Reliability diagrams after DeGroot and Fienberg 1983, the expected calibration error after Naeini, Cooper and
Hauskrecht 2015.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kws.evaluation.intervals import Proportion
from kws.evaluation.plot import Axis, line_plot

BINS = 10


@dataclass(frozen=True)
class Bin:
    """What was said with about the same confidence."""

    confidence: float
    """On average."""
    right: Proportion


def reliability(confidences: Sequence[float], right: Sequence[bool], bins: int = BINS) -> list[Bin]:
    """Even bins of confidence from 0 to 1, those that hold anything, ascending."""
    values, hits = np.asarray(confidences, np.float64), np.asarray(right, np.bool_)
    place = np.minimum((values * bins).astype(np.int64), bins - 1)
    found = []
    for number in np.unique(place):
        here = place == number
        share = Proportion(int(hits[here].sum()), int(here.sum()))
        found.append(Bin(float(values[here].mean()), share))
    return found


def calibration_error(bins: Sequence[Bin]) -> float:
    """How far confidence is from the share that is right, on average over what was said; nan for nothing."""
    total = sum(one.right.total for one in bins)
    if not total:
        return float("nan")
    return sum(abs(one.confidence - one.right.value) * one.right.total for one in bins) / total


def reliability_plot(bins: Sequence[Bin]) -> str:
    """The share that is right over the confidence, with its 95 % limits, as SVG; true on the diagonal."""
    tenths = {tenth / 5: f"{tenth / 5:g}" for tenth in range(6)}
    lines = {
        "as it should be": [(0.0, 0.0), (1.0, 1.0)],
        "right": [(one.confidence, one.right.value) for one in bins],
        "95 % limits": [
            *((one.confidence, one.right.interval[0]) for one in bins),
            *((one.confidence, one.right.interval[1]) for one in reversed(bins)),
        ],
    }
    title = f"{sum(one.right.total for one in bins)} transcripts"
    return line_plot(title, Axis("confidence", tenths), Axis("share that is right", tenths), lines)
