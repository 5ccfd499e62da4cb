"""Counts with their exact confidence intervals: misses of occurrences, false alarms of hours.

Clopper and Pearson 1934 for proportions, Garwood 1936 for Poisson rates. Both solve "for which parameter
would a count this small (or this large) be just this unlikely", here by bisection on the exact sums.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
"""Of every interval and bound that does not say otherwise."""

_BISECTIONS = 80
_RESAMPLED = 2000
"""Times that a bootstrap draws."""


@dataclass(frozen=True)
class Proportion:
    """`count` of `total`, for instance misses of occurrences."""

    count: int
    total: int

    @property
    def value(self) -> float:
        """The estimate, 0 to 1; nan when there was nothing to count."""
        return self.count / self.total if self.total else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Clopper-Pearson at 95 %, two-sided."""
        return proportion_interval(self.count, self.total)

    def __str__(self) -> str:
        """As in "2.4 % (0.3 to 8.3), 2 of 84"."""
        low, high = self.interval
        return f"{100 * self.value:.1f} % ({100 * low:.1f} to {100 * high:.1f}), {self.count} of {self.total}"


@dataclass(frozen=True)
class Rate:
    """`count` events in `hours`, for instance false alarms."""

    count: int
    hours: float

    @property
    def per_hour(self) -> float:
        """The estimate; nan when nothing was heard."""
        return self.count / self.hours if self.hours else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """Exact Poisson at 95 %, events per hour."""
        low, high = poisson_interval(self.count)
        return _per(low, self.hours), _per(high, self.hours)

    @property
    def upper_bound(self) -> float:
        """What the rate is at most, events per hour, with 95 % confidence (one-sided)."""
        return _per(poisson_upper_bound(self.count), self.hours)

    def __str__(self) -> str:
        """As in "0.21 (0.01 to 1.18), 1 in 4.71 h"."""
        low, high = self.interval
        return f"{self.per_hour:.2f} ({low:.2f} to {high:.2f}), {self.count} in {self.hours:.2f} h"


def proportion_interval(count: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Clopper-Pearson interval of `count` of `total`; (0, 1) when total is 0."""
    tail = (1 - confidence) / 2
    low = 0.0 if count == 0 else _solve(lambda p: _binomial_at_most(count - 1, total, p), 1 - tail, 0.0, 1.0)
    high = 1.0 if count == total else _solve(lambda p: _binomial_at_most(count, total, p), tail, 0.0, 1.0)
    return low, high


def poisson_interval(count: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact limits of the mean behind a Poisson count.

    For no events the lower limit is 0 whatever happens, so all of the error goes to the upper one: -ln(0.05),
    the rule of three.
    """
    if count == 0:
        return 0.0, poisson_upper_bound(0, confidence)
    tail = (1 - confidence) / 2
    low = _solve(lambda mean: _poisson_at_most(count - 1, mean), 1 - tail, 0.0, float(count))
    return low, poisson_upper_bound(count, 1 - tail)


def poisson_upper_bound(count: int, confidence: float = CONFIDENCE) -> float:
    """The mean above which a count this small has less than 1 - confidence probability (one-sided)."""
    ceiling = count + 12 * math.sqrt(count + 1) + 40  # far past any confidence in use
    return _solve(lambda mean: _poisson_at_most(count, mean), 1 - confidence, 0.0, ceiling)


def ratio_interval(
    parts: Sequence[float], wholes: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Of sum(parts) / sum(wholes) by a percentile bootstrap over the pairs; the same at every call."""
    drawn = np.random.default_rng(0).integers(len(wholes), size=(_RESAMPLED, len(wholes)))
    ratios = np.asarray(parts)[drawn].sum(axis=1) / np.asarray(wholes)[drawn].sum(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail])
    return float(low), float(high)


def _binomial_at_most(count: int, total: int, p: float) -> float:
    """P(X <= count) of a binomial, summed from logarithms so that large totals do not overflow."""
    k = np.arange(count + 1)
    factorials = _log_factorials(total)
    choices = factorials[total] - factorials[k] - factorials[total - k]
    return float(np.exp(choices + k * math.log(p) + (total - k) * math.log1p(-p)).sum())


def _poisson_at_most(count: int, mean: float) -> float:
    """P(X <= count) of a Poisson."""
    k = np.arange(count + 1)
    return float(np.exp(k * math.log(mean) - mean - _log_factorials(count)).sum())


def _log_factorials(largest: int) -> np.ndarray:
    """ln(0!), ln(1!), ..., ln(largest!)."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, largest + 1)))])


def _solve(decreasing: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Where a decreasing function passes the target, between low and high."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if decreasing(middle) > target:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _per(mean: float, hours: float) -> float:
    return mean / hours if hours else math.inf
