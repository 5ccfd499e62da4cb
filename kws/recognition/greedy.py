"""The likeliest token of every step, repeats and blanks taken out: the fastest decoder, and the plainest."""

from __future__ import annotations

from dataclasses import dataclass

from kws.recognition.tokens import BLANK, LogProbs


@dataclass(frozen=True)
class HeardToken:
    """A run of steps with the same token."""

    token: int
    start: int
    """Its first step."""
    end: int
    """One past its last."""
    log_prob: float
    """At the step where it was likeliest."""


class Greedy:
    """A streaming Stage: log-probabilities -> HeardTokens, each once the next token or blank has begun."""

    _open: HeardToken | None

    def __init__(self) -> None:
        self.reset()

    def push(self, log_probs: LogProbs) -> list[HeardToken]:
        """Tokens that these steps complete."""
        found = []
        for token, value in zip(
            log_probs.argmax(axis=1).tolist(), log_probs.max(axis=1).tolist(), strict=True
        ):
            if self._open and token == self._open.token:
                best = max(value, self._open.log_prob)
                self._open = HeardToken(token, self._open.start, self._step + 1, best)
            else:
                found += self.flush()
                self._open = None if token == BLANK else HeardToken(token, self._step, self._step + 1, value)
            self._step += 1
        return found

    def flush(self) -> list[HeardToken]:
        """The token that is being said."""
        last = [self._open] if self._open else []
        self._open = None
        return last

    def reset(self) -> None:
        """As new."""
        self._open = None
        self._step = 0
