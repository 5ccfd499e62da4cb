"""A second opinion on the likeliest texts, once all of a command has been heard.

A decoder that has a Rescorer hands it its best hypotheses at the end, and ranks them by the sum of both
scores, as the U2 models of WeNet do (Zhang et al. 2020, "Unified streaming and non-streaming two-pass
end-to-end model for speech recognition").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from kws.recognition.tokens import LogProbs


class Rescorer(Protocol):
    """What judges whole texts."""

    def scores(self, heard: LogProbs, texts: Sequence[str], /) -> Sequence[float]:
        """Nats to add to the score of each text, which all stand for the same log-probabilities."""


class Several:
    """A Rescorer that adds up what others say."""

    def __init__(self, rescorers: Sequence[Rescorer]) -> None:
        self._rescorers = list(rescorers)

    def scores(self, heard: LogProbs, texts: Sequence[str]) -> list[float]:
        """The sum for each text."""
        opinions = [rescorer.scores(heard, texts) for rescorer in self._rescorers]
        return [sum(nats) for nats in zip(*opinions, strict=True)] if opinions else [0.0] * len(texts)


@dataclass
class Heard:
    """Keeps the log-probabilities of an utterance, if there is a rescorer that will want them."""

    rescorer: Rescorer | None
    _parts: list[LogProbs] = field(default_factory=list)

    def push(self, log_probs: LogProbs) -> None:
        """The next steps."""
        if self.rescorer and len(log_probs):
            self._parts.append(log_probs)

    def reset(self) -> None:
        """Another utterance begins."""
        self._parts = []

    def added(self, texts: Sequence[str]) -> Sequence[float]:
        """What the rescorer says of each."""
        if not self.rescorer or not self._parts:
            return [0.0] * len(texts)
        once = list(dict.fromkeys(texts))  # free text finds some by several pronunciations
        if len(once) < 2:
            return [0.0] * len(texts)  # there is nothing to choose
        nats = self.rescorer.scores(np.concatenate(self._parts), once)
        known = dict(zip(once, nats, strict=True))
        return [known[text] for text in texts]
