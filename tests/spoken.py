"""Log-probabilities made up for tests: as a model would give them for certain words, or at random."""

from __future__ import annotations

import numpy as np

from kws.grammar.pronunciation import pronunciations
from kws.recognition.tokens import BLANK, PHONES, LogProbs, Tokens


def steps_of(columns: list[int], tokens: Tokens = PHONES, sure: float = 0.9) -> LogProbs:
    """One step per column, which has the probability `sure`; the others share the rest."""
    rows = np.full((len(columns), len(tokens)), (1 - sure) / (len(tokens) - 1))
    rows[np.arange(len(columns)), columns] = sure
    return np.log(rows).astype(np.float32)


def phones_of(text: str) -> list[int]:
    """Columns of the words' phones, each for two steps with a blank after it, and blanks after each word."""
    columns: list[int] = []
    for word in text.split():
        for phone in pronunciations(word)[0]:
            columns += [PHONES.index[phone]] * 2 + [BLANK]
        columns += [BLANK] * 2
    return columns


def saying(text: str, pause: int = 5, sure: float = 0.9) -> LogProbs:
    """Words between two pauses of so many steps."""
    return steps_of([BLANK] * pause + phones_of(text) + [BLANK] * pause, sure=sure)


def random_steps(seed: int, steps: int, tokens: int) -> LogProbs:
    """Anything, normalized."""
    logits = 2 * np.random.default_rng(seed).normal(size=(steps, tokens))
    return (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))).astype(np.float32)
