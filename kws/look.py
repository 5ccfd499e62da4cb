"""What a second stage is to a wake word: something that hears the last seconds again at a candidate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kws.recent_rows import RecentRows

RECENT_SECONDS = 1.0
"""The word must have ended so shortly before the candidate, or after it."""


class Look(Protocol):
    """Hears kept rows from a candidate on, and knows how well the word was heard there so far."""

    @property
    def score(self) -> float:
        """From 0 to 1, since `begin`."""

    @property
    def source(self) -> str:
        """Path of the manifest of what looks."""

    @property
    def front_end(self) -> str:
        """What the rows are, see kws.frontends."""

    @property
    def back_seconds(self) -> float:
        """How much from before a candidate it hears."""

    @property
    def wait_seconds(self) -> float:
        """How much from after it, at most."""

    @property
    def step_rows(self) -> int:
        """Rows after which it may know more."""

    @property
    def kept(self) -> Sequence[RecentRows]:
        """What is to be handed every row, numbered since the last reset; others may hand theirs to it too."""

    def begin(self, first: int, last: int) -> None:
        """Hear rows `first` up to `last`; the word counts where it ends within RECENT_SECONDS before that."""

    def push(self, last: int) -> None:
        """Go on listening up to a row."""

    def finish(self, last: int) -> None:
        """Go on up to there, and listen no more."""

    def open(self) -> None:
        """Load it now, so that what is wrong with it is said at once."""

    def reset(self) -> None:
        """As new."""
