"""How far a path's score can be trusted: nats -> probability, by logistic regression.

What a grammar's best path costs against the best unconstrained path says whether the grammar was kept to
(as words against fillers in Rose and Paul 1990, "A hidden Markov model based keyword recognition system").
Divided by the number of tokens it no longer depends on length, and a logistic curve fitted on labelled
paths makes it a probability (Platt 1999).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from kws.recognition.logistic import fitted_weights, logistic

if TYPE_CHECKING:  # a second stage that looks for a spelling alone needs no grammars
    from kws.recognition.word_history import SpokenWord

Features = tuple[float, float, float, float, float]


class Evidence(NamedTuple):
    """What others than the grammar's own path say of a sentence, nats per token; 0: nobody asks."""

    rival: float = 0.0
    """How far it stays behind what other words explain (kws.recognition.rival)."""
    letters: float = 0.0
    """How much letters doubt that it was said (kws.recognition.letters)."""


NOBODY = Evidence()


@dataclass(frozen=True)
class Calibration:
    """Weights of the logistic curve. By default a path that costs 1.5 nats a token is even odds."""

    mean: float = 1.0
    """Of the nats per token over the whole path."""
    worst: float = 1.0
    """Of the nats per token of its worst word."""
    length: float = 0.0
    """Of ln of the tokens: a long sentence is seldom found where it was not said."""
    rival: float = 0.0
    """Of `Evidence.rival`; 0: nobody asks."""
    letters: float = 0.0
    """Of `Evidence.letters`."""
    offset: float = 3.0
    threshold: float = 0.5
    """Confidence from which a sentence counts as said."""

    def with_threshold(self, threshold: float | None) -> Calibration:
        """With another threshold; as it is for None."""
        return self if threshold is None else replace(self, threshold=threshold)

    def of_path(self, score: float, words: Sequence[SpokenWord], evidence: Evidence = NOBODY) -> float:
        """Confidence of a path, 0 to 1; 0 where no word of the grammar was said."""
        features = path_features(score, words, evidence)
        return self.of_features(features) if features else 0.0

    def of_features(self, features: Features) -> float:
        """Confidence by `path_features`."""
        weights = (self.mean, self.worst, self.length, self.rival, self.letters)
        return logistic(math.fsum(map(operator.mul, weights, features)) + self.offset)

    def of_word(self, word: SpokenWord) -> float:
        """Confidence of one word on a path, 0 to 1."""
        if word.sure is not None:
            return word.sure
        tokens = max(word.tokens, 1)
        return self.of_features((word.score / tokens, word.score / tokens, math.log(tokens), *NOBODY))


def path_features(score: float, words: Sequence[SpokenWord], evidence: Evidence = NOBODY) -> Features | None:
    """Nats per token of the path and of its worst word, ln of its tokens, evidence; None without words.

    All of the grammar's own words: where any others may be said, nothing can tell whether they were.
    """
    said = [word for word in words if not word.is_filler and not word.is_open]
    if not said:
        return None
    tokens = said_tokens(said)
    worst = min(word.score / max(word.tokens, 1) for word in said)
    score -= sum(word.score for word in words if word.is_open)
    return score / tokens, worst, math.log(tokens), *evidence


def said_tokens(words: Sequence[SpokenWord]) -> int:
    """Of the words that are no fillers."""
    return sum(word.tokens for word in words if not word.is_filler)


def fit(features: Sequence[Features], right: Sequence[bool]) -> Calibration:
    """Weights from labelled paths.

    Raises:
        ValueError: fewer than two paths, or all of them right or all wrong.
    """
    return Calibration(*fitted_weights(features, right))
