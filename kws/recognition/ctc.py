"""What CTC says of a given token sequence: its probability over all alignments, and its best alignment.

Graves et al. 2006. A sequence of n tokens has 2n + 1 states: the tokens with a blank around each. From a
state one may stay, move on by one, or skip a blank between two different tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from kws.recognition.tokens import BLANK, LogProbs

Values = npt.NDArray[np.float64]


def log_probability(log_probs: LogProbs, tokens: Sequence[int]) -> float:
    """ln P(tokens | audio), all alignments summed; minus infinity where there are too few steps."""
    return _forward(log_probs, tokens, np.logaddexp)


def likeliest_spelling(log_probs: LogProbs, spellings: Iterable[Sequence[int]]) -> float:
    """The highest `log_probability` among ways to write a text; minus infinity where there is none."""
    return max((log_probability(log_probs, spelling) for spelling in spellings), default=float("-inf"))


def best_alignment_score(log_probs: LogProbs, tokens: Sequence[int]) -> float:
    """ln of the probability of the best single alignment."""
    return _forward(log_probs, tokens, np.maximum)


def _forward(log_probs: LogProbs, tokens: Sequence[int], join: Callable[[Values, Values], Values]) -> float:
    states = np.full(2 * len(tokens) + 1, BLANK)
    states[1::2] = tokens
    skips = np.zeros(len(states), np.bool_)
    skips[3::2] = states[3::2] != states[1:-2:2]
    score = np.full(len(states), -np.inf)  # ln of all ways to be in each state before the first step
    entry = np.full(len(states), -np.inf)
    entry[:2] = 0.0
    for number, row in enumerate(log_probs.astype(np.float64)):
        moved = np.full((3, len(states)), -np.inf)
        if number == 0:
            moved[0] = entry
        else:
            moved[0] = score
            moved[1, 1:] = score[:-1]
            moved[2, 2:] = np.where(skips[2:], score[:-2], -np.inf)
        score = join(join(moved[0], moved[1]), moved[2]) + row[states]
    if not len(log_probs):
        return 0.0 if not len(tokens) else -np.inf
    return float(join(score[-1:], score[-2:-1])[0]) if len(tokens) else float(score[0])
