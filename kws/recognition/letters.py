"""A second opinion on the sentences of a grammar, by letters.

A recognizer may write characters beside phones: one network, the same work. The two err partly in other
places, so what the characters say of a sentence, all its alignments summed, helps to choose among the best by
phones. How much it has a say was chosen on dev recordings (docs/experiments/recognizer.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from kws.recognition.bundle import RecognizerBundle
from kws.recognition.ctc import log_probability
from kws.recognition.tokens import CHARACTERS, Kind, LogProbs

WEIGHT = 0.2
"""Nats of the first opinion that one nat of this is worth."""


def beside(bundle: RecognizerBundle, kind: Kind) -> Kind | None:
    """What a recognizer should give beside that token set; None where it has no letters."""
    return "characters" if kind == "phones" and "characters" in bundle.tokens else None


class Letters:
    """A Rescorer; what it hears are log-probabilities of characters, not those that a decoder searches."""

    def __init__(self, weight: float = WEIGHT) -> None:
        self._weight = weight

    def scores(self, heard: LogProbs, texts: Sequence[str]) -> list[float]:
        """Weighted nats of each text; all 0 where one of them is not written in letters alone."""
        try:
            spelled = [CHARACTERS.encode(text.lower()) for text in texts]
        except KeyError:
            return [0.0] * len(texts)
        return [self._weight * log_probability(heard, letters) for letters in spelled]
