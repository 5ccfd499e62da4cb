"""A second opinion on the sentences of a grammar, by letters.

A recognizer may write characters beside phones: one network, the same work. The two err partly in other
places, so what the characters say of a sentence, all its alignments summed, helps to choose among the best by
phones, and counts as much; and how much likelier it is by them than that nothing was written at all tells
whether it was said. Both of CTC's opinions leave sounds out rather than add some, for which a sentence is
paid by its length (docs/experiments/recognizer.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kws.recognition.bundle import RecognizerBundle
from kws.recognition.ctc import log_probability
from kws.recognition.priors import Priors, decoding_of
from kws.recognition.tokens import BLANK, CHARACTERS, Kind, LogProbs

WEIGHT = 1.0
"""Nats of the first opinion that one nat of this is worth."""
PER_TOKEN = 1.5
"""Nats for every phone of a sentence."""
SURE = 6.0
"""Nats per token by which a sentence is likelier than nothing from which on letters have no doubt."""
MOST = 15.0
"""Nats per token of doubt, at most."""


def letters_of(bundle: RecognizerBundle, kind: Kind = "phones") -> Letters | None:
    """By the priors in its card; None where it has no letters beside that token set."""
    return Letters(decoding_of(bundle.card, CHARACTERS).priors) if beside(bundle, kind) else None


def beside(bundle: RecognizerBundle, kind: Kind) -> Kind | None:
    """What a recognizer should give beside that token set; None where it has no letters."""
    return "characters" if kind == "phones" and "characters" in bundle.tokens else None


class Opinion(NamedTuple):
    """Of one sentence; as it is by default, of one of which letters can say nothing."""

    nats: float = 0.0
    """To be added to what the phones say of it."""
    doubt: float = 0.0
    """Nats per token by which it falls short of no doubt; 0 or less."""


class Letters:
    """Hears an utterance beside a GrammarDecoder, by characters, divided by their priors as phones are."""

    def __init__(self, priors: Priors, weight: float = WEIGHT) -> None:
        self._priors, self._weight = priors, weight
        self.reset()

    def push(self, log_probs: LogProbs) -> None:
        """The next steps, shape (steps, characters)."""
        self._parts.append(self._priors.scaled(log_probs))

    def reset(self) -> None:
        """As new."""
        self._parts: list[LogProbs] = []

    def opinions(self, sentences: Sequence[tuple[str, int]]) -> list[Opinion]:
        """Of each, given as its text and how many phones it has.

        None of any where one of them is not written in letters alone, or no characters were heard.
        """
        try:
            spelled = {text: CHARACTERS.encode(_in_letters(text)) for text, _ in sentences}
        except KeyError:
            spelled = {}
        if not spelled or not self._parts:
            return [Opinion()] * len(sentences)
        heard = np.concatenate(self._parts)
        nothing = float(heard[:, BLANK].sum(dtype=np.float64))
        nats = {text: log_probability(heard, letters) for text, letters in spelled.items()}
        return [
            Opinion(self._weight * nats[text] + PER_TOKEN * tokens, _doubt((nats[text] - nothing) / tokens))
            for text, tokens in sentences
        ]


def _in_letters(text: str) -> str:
    """As the network writes it: "a.m." as "a m"."""
    return " ".join(text.lower().replace(".", " ").split())


def _doubt(likelier: float) -> float:
    return min(0.0, max(-MOST, likelier - SURE))
