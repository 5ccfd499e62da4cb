"""The last seconds of a stream, and the one stage that hears parts of them again, for many words.

A part is always heard from a fresh start, so that what one word asks for never changes what another is
told. There is one stage all the same: it hears a part once for all words that ask for it from the same row
on; where their parts begin apart and they go on in turn, or other streams have used it in between,
it hears each again from its beginning.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kws.frontends import row_format
from kws.recent_rows import RecentRows
from kws.stage_pool import StagePool, Steps
from kws.types import Rows


class Rehearing:
    """What the wake words of one engine share of a second stage.

    A word hands its rows to `rows`, and resets all of this when it is reset itself.

    Args:
        stages: what hears the rows, made at the first candidate, since in most hours there is none; other
            engines may share it.
        front_end: what the rows are, see kws.frontends.
        seconds: kept.
        source: path of the manifest of what hears.
        rows: kept for others as well, if not for this alone.
        hears: rows for the stage: first row of a part, and from where to where in it; by default those kept.
    """

    _first: int  # row at which the part begins that was heard last
    _last: int  # up to which it was heard
    _heard: list[Steps]
    _rest: Steps | None  # that the stage held back there, once it was asked for
    _steps: dict[int, int]  # steps heard by a row at which somebody has asked

    def __init__(
        self,
        stages: StagePool,
        front_end: str,
        seconds: float,
        source: str = "",
        rows: RecentRows | None = None,
        hears: Callable[[int, int, int], Rows] | None = None,
    ) -> None:
        self._stages, self.front_end, self.source = stages, front_end, source
        self.rows = rows or RecentRows(front_end, round(seconds / row_format(front_end).row_seconds))
        self._hears = hears or (lambda first, start, end: self.rows.between(start, end))
        self._borrower = object()  # not this itself, which would be kept by a stage that it has used
        self._forget()

    def open(self) -> None:
        """Load it now, so that what is wrong with it is said at once."""
        _ = self._stages.step_seconds

    @property
    def step_seconds(self) -> float:
        """From one step to the next."""
        return self._stages.step_seconds

    @property
    def step_rows(self) -> int:
        """Rows of a step."""
        return round(self.step_seconds / row_format(self.front_end).row_seconds)

    def heard(self, first: int, last: int) -> Steps:
        """Of the kept rows `first` up to `last`, heard from a fresh start; shape (steps, columns)."""
        if first != self._first or last not in self._steps:
            self._go_on(first, last)
        return np.concatenate(self._heard)[: self._steps[last]]

    def with_the_rest(self, first: int, last: int) -> Steps:
        """The same, and after it what the stage holds back until it is told that no more will come."""
        heard = self.heard(first, last)
        if last != self._last or self._rest is None:
            self._go_on(first, last, to_the_end=True)
        assert self._rest is not None
        return np.concatenate([heard, self._rest])

    def reset(self) -> None:
        """As new."""
        self.rows.clear()
        self._forget()

    def _go_on(self, first: int, last: int, *, to_the_end: bool = False) -> None:
        """Hear up to `last`, from where the stage stands if it can go on from there."""
        with self._stages.lent(self._borrower) as (stage, as_left):
            if not as_left or first != self._first or last < self._last or self._rest is not None:
                stage.reset()
                self._forget()
                self._first = self._last = first
            if last not in self._steps:
                self._heard.append(stage.push(self._hears(first, self._last, last)))
                self._last = last
                self._steps[last] = sum(map(len, self._heard))
            if to_the_end:
                self._rest = stage.flush()

    def _forget(self) -> None:
        self._first = self._last = -1
        self._heard, self._rest, self._steps = [], None, {}
