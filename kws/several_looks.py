"""Several second looks at a candidate (kws/look.py), whose scores count together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kws.confirmed import mean_score
from kws.errors import BundleError
from kws.frontends import row_format
from kws.look import Look
from kws.recent_rows import RecentRows


@dataclass
class _Seat:
    """One of them, at the candidate that is looked at."""

    look: Look
    weight: float
    until: int = 0
    """Row at which it listens no more."""
    finished: bool = True


class SeveralLooks:
    """A Look by several, each for as long as it does by itself; their score is the mean of their logits.

    Args:
        looks: with the weight of each, on one front end.

    Raises:
        BundleError: they hear different rows.
    """

    def __init__(self, looks: Sequence[tuple[Look, float]]) -> None:
        self._seats = [_Seat(look, weight) for look, weight in looks]
        every = [look for look, _ in looks]
        if len({look.front_end for look in every}) != 1:
            kinds = ", ".join(f"{look.source}: {look.front_end}" for look in every)
            raise BundleError(f"these cannot look together, for they hear different rows ({kinds})")
        self.source = " + ".join(look.source for look in every)
        self.front_end = every[0].front_end
        self.back_seconds = max(look.back_seconds for look in every)
        self.wait_seconds = max(look.wait_seconds for look in every)
        self._row_seconds = row_format(self.front_end).row_seconds

    @property
    def weight(self) -> float:
        """Of all of them beside what they look for."""
        return sum(seat.weight for seat in self._seats)

    @property
    def score(self) -> float:
        """Of all together, so far."""
        return mean_score([seat.look.score for seat in self._seats], [seat.weight for seat in self._seats])

    @property
    def step_rows(self) -> int:
        """Rows after which one of them may know more."""
        return math.gcd(*(seat.look.step_rows for seat in self._seats))

    @property
    def kept(self) -> list[RecentRows]:
        """What they keep, once where they share it."""
        return list(dict.fromkeys(kept for seat in self._seats for kept in seat.look.kept))

    def begin(self, first: int, last: int) -> None:
        """Each hears as much of rows `first` up to `last` as it does by itself."""
        for seat in self._seats:
            seat.look.begin(max(first, last - self._rows(seat.look.back_seconds)), last)
            seat.until, seat.finished = last + self._rows(seat.look.wait_seconds), False

    def push(self, last: int) -> None:
        """Go on listening up to a row."""
        for seat in self._seats:
            if seat.finished:
                continue
            seat.look.push(min(last, seat.until))
            if last >= seat.until:
                self._finish(seat, seat.until)

    def finish(self, last: int) -> None:
        """Go on up to there, and listen no more."""
        for seat in self._seats:
            if not seat.finished:
                self._finish(seat, min(last, seat.until))

    def open(self) -> None:
        """Load them all."""
        for seat in self._seats:
            seat.look.open()

    def reset(self) -> None:
        """As new."""
        for seat in self._seats:
            seat.look.reset()
            seat.finished = True

    def _finish(self, seat: _Seat, last: int) -> None:
        seat.look.finish(last)
        seat.finished = True

    def _rows(self, seconds: float) -> int:
        return round(seconds / self._row_seconds)
