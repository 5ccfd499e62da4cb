"""How far free text can be trusted, and each word of it: what the search knows -> probability.

A word is the likelier right the less is to be said for texts without it (word posteriors over an n-best list,
after Wessel et al. 2001, "Confidence measures for large vocabulary continuous speech recognition"), the
clearer it sounded, and the more tokens it has. A whole text is right as often as all of its words are. What
that comes to a logistic curve says (Platt 1999), fitted on transcripts that are known to be right or wrong.
"""

from __future__ import annotations

import math
import operator
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol

from kws.recognition.logistic import logistic

LEAST = -20.0
"""Nats below which nothing is told apart."""
CERTAIN = 7.0
"""Nats that speak for a word which all texts have; searches keep no text that is further behind."""


class WrittenWord(NamedTuple):
    """A word as the search wrote it."""

    word: str
    start: float
    """Seconds."""
    end: float
    sounded: float
    """Mean ln probability of its tokens, each where it was likeliest."""
    tokens: int

    def meets(self, other: WrittenWord) -> bool:
        """Whether both are said at the same time, in part at least."""
        return self.start < other.end and other.start < self.end


Ranked = Sequence[tuple[float, Sequence[WrittenWord]]]
"""Other texts that were found: nats against the best one (0 or less), and their words."""


class WordFeatures(NamedTuple):
    """What is known of a word."""

    agreed: float
    """ln of the odds of the best text against all texts together that have not got the word there."""
    sounded: float
    """Mean ln probability of its tokens."""
    length: float
    """ln of how many they are."""


class TextFeatures(NamedTuple):
    """What is known of a text."""

    share: float
    """ln of its share among the texts found."""
    words: float
    """ln of the product of its words' confidence."""
    length: float
    """ln of how many they are."""


class TextJudge(Protocol):
    """What says how likely free text is right."""

    def of_words(self, words: Sequence[WrittenWord], others: Ranked, /) -> list[float]:
        """Confidence of each word of the best text, 0 to 1."""

    def of_partial(self, words: Sequence[WrittenWord], /) -> list[float]:
        """The same while more may follow, and no other texts are asked."""

    def of_text(self, shares: Sequence[float], words: Sequence[float], /) -> tuple[float, list[float]]:
        """Confidence of the best text, and of each that was found.

        Args:
            shares: of the texts, the best first; 1 together.
            words: confidence of the best one's words.
        """


class AsFound:
    """A TextJudge that was not fitted: how clearly words sounded, and shares among the texts found."""

    def of_words(self, words: Sequence[WrittenWord], others: Ranked) -> list[float]:
        """By their sound alone."""
        return self.of_partial(words)

    def of_partial(self, words: Sequence[WrittenWord]) -> list[float]:
        """By their sound."""
        return [math.exp(word.sounded) for word in words]

    def of_text(self, shares: Sequence[float], words: Sequence[float]) -> tuple[float, list[float]]:
        """The share times the mean of the words; the shares."""
        return shares[0] * sum(words) / len(words), list(shares)


@dataclass(frozen=True)
class Curve:
    """A logistic regression on features that are logarithms."""

    weights: tuple[float, ...]
    offset: float

    def of(self, features: Sequence[float]) -> float:
        """A probability, 0 to 1."""
        limited = (max(feature, LEAST) for feature in features)
        return logistic(math.fsum(map(operator.mul, self.weights, limited)) + self.offset)


@dataclass(frozen=True)
class TextConfidence:
    """A TextJudge with the curves of a recognizer."""

    word: Curve
    """On `WordFeatures`."""
    partial: Curve
    """On what of them is known while more may follow: all but `agreed`."""
    text: Curve
    """On `TextFeatures`."""

    def of_words(self, words: Sequence[WrittenWord], others: Ranked) -> list[float]:
        """By all that is known."""
        return [self.word.of(features) for features in word_features(words, others)]

    def of_partial(self, words: Sequence[WrittenWord]) -> list[float]:
        """By their sound and length."""
        return [self.partial.of(features[1:]) for features in word_features(words, ())]

    def of_text(self, shares: Sequence[float], words: Sequence[float]) -> tuple[float, list[float]]:
        """Others keep their odds against the best, as long as all together are no more than certain."""
        sure = self.text.of(text_features(shares[0], words))
        most = (1 - sure) / max(1 - shares[0], 1e-9)
        return sure, [sure, *(share * min(sure / shares[0], most) for share in shares[1:])]

    @classmethod
    def from_dict(cls, curves: Mapping[str, Mapping[str, float]]) -> TextConfidence:
        """As `as_dict` wrote it."""
        return cls(
            **{
                name: Curve(tuple(curves[name][feature] for feature in features), curves[name][OFFSET])
                for name, features in CURVES.items()
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """Curve -> feature or offset -> weight."""
        curves = asdict(self)
        return {
            name: dict(
                zip((*features, OFFSET), (*curves[name]["weights"], curves[name]["offset"]), strict=True)
            )
            for name, features in CURVES.items()
        }


OFFSET = "offset"
CURVES: Mapping[str, tuple[str, ...]] = {
    "word": WordFeatures._fields,
    "partial": WordFeatures._fields[1:],
    "text": TextFeatures._fields,
}
"""Curve -> the features that it weighs."""


def word_features(words: Sequence[WrittenWord], others: Ranked) -> list[WordFeatures]:
    """Of each word of the best text."""
    against = [0.0] * len(words)
    for nats, text in others:
        said = defaultdict(list)
        for other in text:
            said[other.word].append(other)
        for place, word in enumerate(words):
            if not any(word.meets(other) for other in said.get(word.word, ())):
                against[place] += math.exp(nats)
    return [
        WordFeatures(-math.log(max(odds, math.exp(-CERTAIN))), word.sounded, math.log(word.tokens))
        for word, odds in zip(words, against, strict=True)
    ]


def text_features(share: float, words: Iterable[float]) -> TextFeatures:
    """Of the best text, from its share and its words' confidence."""
    nats = [math.log(max(confidence, 1e-9)) for confidence in words]
    return TextFeatures(math.log(max(share, 1e-9)), math.fsum(nats), math.log(len(nats)))
