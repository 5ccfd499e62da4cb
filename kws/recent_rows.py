"""The last rows of a stream, kept so that a part of them can be heard again."""

from __future__ import annotations

from collections import deque

import numpy as np

from kws.frontends import no_rows
from kws.types import Rows


class RecentRows:
    """The latest rows of a front end, by their numbers, in the pieces in which they came.

    Args:
        front_end: what the rows are, see kws.frontends.
        count: rows kept from before the piece that came last; that one is there as a whole.
    """

    def __init__(self, front_end: str, count: int) -> None:
        self._front_end, self._count = front_end, count
        self._pieces: deque[tuple[int, Rows]] = deque()  # each with the number of its first row
        self.end = 0
        """Number of the next row."""

    def extend(self, first: int, rows: Rows) -> None:
        """Take rows of which the first has this number; those that are here already are passed over."""
        if not len(rows) or first + len(rows) <= self.end:
            return
        new = rows[max(0, self.end - first) :]
        while self._pieces and self._end_of_oldest() <= self.end - self._count:
            self._pieces.popleft()
        self._pieces.append((self.end, new))
        self.end += len(new)

    def between(self, first: int, last: int) -> Rows:
        """Rows `first` up to, but not, `last`, as far as they are kept."""
        parts = [rows[max(0, first - at) : max(0, last - at)] for at, rows in self._pieces]
        return np.concatenate([no_rows(self._front_end), *parts])

    def clear(self) -> None:
        """As new."""
        self._pieces.clear()
        self.end = 0

    def _end_of_oldest(self) -> int:
        first, rows = self._pieces[0]
        return first + len(rows)
