"""What a prefix beam asks about the texts that it writes."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

import numpy as np
import numpy.typing as npt

from kws.recognition.prefix import State

Table = npt.NDArray[np.float64]
"""Nats of every token after a prefix, (ways, tokens); minus infinity where none may follow.

A way is a reading of the prefix: a word may go on, or be over and another begin.
"""


class Scorer(Protocol):
    """Which tokens may follow a prefix, and what that is worth in nats."""

    def start(self) -> State:
        """The state of the empty prefix."""

    def ways(self, state: State, tokens: int, /) -> Table:
        """What so many tokens are worth after a prefix, by one way or more; the blank's column is not read.

        Nobody writes into it, so several prefixes may have the same.
        """

    def follow(self, state: State, way: int, token: int, /) -> State:
        """The state after a token that may follow, by one of the ways."""

    def finish(self, state: State, /) -> float:
        """Nats of ending here; minus infinity where the prefix is no whole text."""

    def words(self, state: State, /) -> int:
        """Words so far, by which a score may be normalized."""

    def outlook(self, state: State, /) -> Hashable:
        """All of a state that later answers depend on, but for how many words there are."""


class AnyText:
    """A Scorer that allows everything and adds nothing."""

    def start(self) -> State:
        """There is one state only."""
        return None

    def ways(self, state: State, tokens: int) -> Table:
        """Any token."""
        return np.zeros((1, tokens))

    def follow(self, state: State, way: int, token: int) -> State:
        """The same."""
        return None

    def finish(self, state: State) -> float:
        """Anywhere."""
        return 0.0

    def words(self, state: State) -> int:
        """None are known."""
        return 0

    def outlook(self, state: State) -> Hashable:
        """Always the same."""
        return None
