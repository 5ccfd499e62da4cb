"""What turns log-probabilities into text, whichever way: the protocol, and the rhythm of partial results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from kws.events import Partial, Transcript
from kws.recognition.tokens import LogProbs, Tokens

PARTIAL_SECONDS = 0.2
"""From one look at the beam to the next."""


class Decoder(Protocol):
    """A streaming Stage over the log-probabilities of one utterance; times count from its first step."""

    tokens: Tokens
    """Which of the model's token sets it reads."""

    def push(self, log_probs: LogProbs, /) -> list[Partial]:
        """Partials that these steps bring, looked for at fixed steps of the utterance."""

    def flush(self) -> list[Transcript]:
        """The utterance has ended: what was said, or nothing where nothing was."""

    def reset(self) -> None:
        """As new, for the next utterance."""

    def at_end(self) -> bool:
        """Whether a whole sentence has been said, as far as one can tell now."""


class Rhythm:
    """Cuts log-probabilities at the steps where a decoder looks for a partial result."""

    def __init__(self, step_seconds: float) -> None:
        self._interval = max(1, round(PARTIAL_SECONDS / step_seconds))
        self.reset()

    def reset(self) -> None:
        """As new."""
        self._step = 0

    def cut(self, log_probs: LogProbs) -> Iterator[tuple[LogProbs, bool]]:
        """Pieces of the input, and whether to look after each."""
        while len(log_probs):
            piece = log_probs[: self._interval - self._step % self._interval]
            self._step += len(piece)
            yield piece, self._step % self._interval == 0
            log_probs = log_probs[len(piece) :]
