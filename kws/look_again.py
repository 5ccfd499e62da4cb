"""A second look (kws/look.py) by something that hears kept rows again from a fresh start."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from kws.look import RECENT_SECONDS
from kws.recent_rows import RecentRows
from kws.rehearing import Rehearing
from kws.stage_pool import Steps

Track = npt.NDArray[np.floating[Any]]
"""Scores, shape (steps,)."""


class LookAgain:
    """A Look at what a Rehearing keeps; how well the word is heard in its steps, `scores` says.

    Args:
        rehearing: hears the rows; other words may share it.
        back_seconds: heard again at a candidate.
        wait_seconds: how long a look may wait after it.
    """

    def __init__(self, rehearing: Rehearing, *, back_seconds: float, wait_seconds: float) -> None:
        self.rehearing = rehearing
        self.source, self.front_end = rehearing.source, rehearing.front_end
        self.back_seconds, self.wait_seconds = back_seconds, wait_seconds
        self.score = 0.0
        self._first = self._steps = 0

    def scores(self, steps: Steps, *, afresh: bool) -> Track:
        """Of the next steps, or `afresh` of the first ones of another part."""
        raise NotImplementedError

    @property
    def step_rows(self) -> int:
        """Rows after which it may know more."""
        return self.rehearing.step_rows

    @property
    def kept(self) -> tuple[RecentRows]:
        """What the rehearing keeps; rows that another word has handed over are skipped there."""
        return (self.rehearing.rows,)

    def begin(self, first: int, last: int) -> None:
        """Hear rows `first` up to `last`; the word counts where it ends shortly before that."""
        self._first, self._steps = first, 0
        recent = round(RECENT_SECONDS / self.rehearing.step_seconds)
        track = self._track(self.rehearing.heard(first, last), afresh=True)
        self.score = float(track[-recent:].max(initial=0))

    def push(self, last: int) -> None:
        """Go on listening up to a row."""
        self._go_on(self.rehearing.heard(self._first, last))

    def finish(self, last: int) -> None:
        """Listen no more: what is still held back there is all that follows."""
        self._go_on(self.rehearing.with_the_rest(self._first, last))

    def open(self) -> None:
        """Load what hears, so that what is wrong with it is said now."""
        self.rehearing.open()

    def reset(self) -> None:
        """As new."""
        self.rehearing.reset()

    def _go_on(self, steps: Steps) -> None:
        self.score = max(self.score, float(self._track(steps, afresh=False).max(initial=0)))

    def _track(self, steps: Steps, *, afresh: bool) -> Track:
        new = steps[self._steps :]
        self._steps = len(steps)
        return self.scores(new, afresh=afresh)
