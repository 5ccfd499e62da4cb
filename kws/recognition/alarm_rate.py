"""How often a phrase is spotted where nobody said it, by its spelling alone: false alarms per hour of speech.

Fitted on many phrases that nobody said, as a log-linear rate: with n tokens, c = -ln(score) nats per token,
and m the mean ln of how frequent the phrase's tokens are,

    ln(r) = w . (1, n, n c, n m, c),    false alarms per hour = r / (1 + r d)

where d, in hours, is the time after a detection in which no other is counted.

`python -m training.understanding.spotting --fit` finds the weights and puts them into a recognizer's card
under `spotting`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kws.errors import KwsError
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.lexicon import Spelling
from kws.recognition.tokens import PHONES

Values = npt.NDArray[np.float64]

FEATURES = 5
DEAD_HOURS = 1 / 3600
_GRID = np.linspace(0.99, 0.01, 99)
"""Scores among which a threshold is chosen, the highest first."""


@dataclass(frozen=True, eq=False)
class AlarmRate:
    """The fitted rate of one recognizer."""

    weights: Values
    """(FEATURES,)."""
    log_priors: Values
    """(tokens,): ln of how frequent each token is."""

    def per_hour(self, spellings: Sequence[Spelling], scores: Values) -> Values:
        """False alarms of a phrase at each score taken as threshold; its spellings add up."""
        rates: Values = np.sum([self._of(spelling, scores) for spelling in spellings], axis=0)
        return rates

    def threshold(self, spellings: Sequence[Spelling], per_hour: float) -> float:
        """The lowest score from which on the rate keeps to `per_hour`; 1 where none below does."""
        exceeds = np.flatnonzero(self.per_hour(spellings, _GRID) > per_hour)
        kept = int(exceeds[0]) if len(exceeds) else len(_GRID)
        return float(_GRID[kept - 1]) if kept else 1.0

    def _of(self, spelling: Spelling, scores: Values) -> Values:
        rates: Values = np.exp(np.minimum(features(spelling, scores, self.log_priors) @ self.weights, 30.0))
        seen: Values = rates / (1 + rates * DEAD_HOURS)
        return seen


def features(spelling: Spelling, scores: Values, log_priors: Values) -> Values:
    """What the rate depends on, shape (scores, FEATURES)."""
    n, m = float(len(spelling)), float(np.mean(log_priors[list(spelling)]))
    c = -np.log(scores)
    ones = np.ones_like(c)
    return np.stack([ones, n * ones, n * c, n * m * ones, c], axis=1)


def alarm_rate_of(bundle: RecognizerBundle) -> AlarmRate:
    """By the recognizer's card; raises KwsError where it was never fitted."""
    known: Mapping[str, Any] = bundle.card.get("spotting", {})
    log_priors = bundle.card.get("decoding", {}).get("log_priors", {}).get(PHONES.kind, [])
    if len(known.get("weights", [])) != FEATURES or len(log_priors) != len(PHONES):
        raise KwsError(
            f"{bundle.name}: its false alarms in spotting were never measured; "
            f"give --threshold, or run python -m training.understanding.spotting {bundle.name} --fit"
        )
    return AlarmRate(np.array(known["weights"]), np.array(log_priors))
