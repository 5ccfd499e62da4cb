"""Greedy reading and error rates: the plainest measure of an acoustic model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jiwer
import numpy as np
import numpy.typing as npt

from kws.recognition.bundle import TOKEN_SETS
from kws.recognition.tokens import BLANK, Kind
from training.recognizer.network import OUTPUTS


@dataclass(frozen=True)
class ErrorRates:
    """Substitutions, insertions and deletions over the reference's length, in percent."""

    phones: float
    characters: float
    words: float
    """Of the characters' head, greedy, without any language model."""

    def __str__(self) -> str:
        return f"PER {self.phones:.1f} CER {self.characters:.1f} WER {self.words:.1f}"

    def as_dict(self) -> dict[str, float]:
        """For the card."""
        return {name: round(getattr(self, name), 1) for name in ("phones", "characters", "words")}


def greedy(scores: npt.NDArray[np.float32], kind: Kind) -> str:
    """The best token of every step of (steps, tokens), repeats merged, blanks dropped."""
    best = np.argmax(scores, axis=1)
    kept = best[np.diff(best, prepend=-1) != 0]
    said = TOKEN_SETS[kind].decode(tuple(int(token) for token in kept if token != BLANK))
    return " ".join(said.split())


def read(logits: npt.NDArray[np.float32], kind: Kind) -> str:
    """What one token set of all outputs, (steps, outputs), says greedily."""
    first, size = OUTPUTS[kind]
    return greedy(logits[:, first : first + size], kind)


def error_rates(
    phones: Sequence[str], texts: Sequence[str], read_phones: Sequence[str], read_texts: Sequence[str]
) -> ErrorRates:
    """References against what was read, pooled over all utterances."""
    return ErrorRates(
        100 * jiwer.wer(list(phones), list(read_phones)),
        100 * jiwer.cer(list(texts), list(read_texts)),
        100 * jiwer.wer(list(texts), list(read_texts)),
    )
