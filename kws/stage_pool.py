"""A few stages that hear for many streams: each is lent for one hearing at a time, to any thread.

Two streams never hear through one stage at once, and a stage says when another has used it since. So what
a stream is told is what a stage of its own would have told it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt

from kws.types import Rows

Steps = npt.NDArray[np.float32]
"""What was heard, step by step; shape (steps, columns)."""


class HearingStage(Protocol):
    """A streaming Stage: rows (t, channels) -> steps, (steps, columns)."""

    @property
    def step_seconds(self) -> float:
        """From one step to the next."""

    def push(self, rows: Rows, /) -> Steps:
        """Steps that these rows complete."""

    def flush(self) -> Steps:
        """No more will come: steps that were held back."""

    def reset(self) -> None:
        """As new."""


@dataclass
class _Place:
    """One stage and who has had it last."""

    stage: HearingStage
    borrower: object


class StagePool:
    """Stages of one kind.

    Args:
        make: a new one; called when somebody asks and all that there are are lent.
        most: how many there may be; who comes when they are all lent waits.
    """

    def __init__(self, make: Callable[[], HearingStage], most: int = 1) -> None:
        self._make, self._most = make, most
        self._idle: list[_Place] = []  # the one that was given back last stands last
        self._count = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def lent(self, borrower: object) -> Iterator[tuple[HearingStage, bool]]:
        """A stage, and whether it is as this borrower has left it."""
        place = self._taken(borrower)
        as_left = place.borrower is borrower
        place.borrower = borrower
        try:
            yield place.stage, as_left
        except BaseException:
            place.borrower = None  # nobody knows how it was left
            raise
        finally:
            self._give_back(place)

    @cached_property
    def step_seconds(self) -> float:
        """From one step to the next; makes the first stage, if there is none."""
        with self.lent(self) as (stage, _):
            return stage.step_seconds

    def _taken(self, borrower: object) -> _Place:
        with self._changed:
            self._changed.wait_for(lambda: self._idle or self._count < self._most)
            if self._idle:
                own = [place for place in self._idle if place.borrower is borrower]
                place = own[0] if own else self._idle[0]
                self._idle.remove(place)
                return place
            self._count += 1
        return self._made()

    def _made(self) -> _Place:
        try:
            return _Place(self._make(), None)
        except BaseException:
            with self._changed:
                self._count -= 1
                self._changed.notify()
            raise

    def _give_back(self, place: _Place) -> None:
        with self._changed:
            self._idle.append(place)
            self._changed.notify()


class StagePools:
    """A StagePool for each thing that hears, of so many stages each."""

    def __init__(self, most: int = 1) -> None:
        self._most = most
        self._pools: dict[tuple[str, ...], StagePool] = {}
        self._lock = threading.Lock()

    def of(self, make: Callable[[], HearingStage], *key: str) -> StagePool:
        """That of these stages; nothing is made before the first candidate.

        Args:
            make: a new stage.
            key: what tells it from others: where its models lie, their checksums, what computes them.
        """
        with self._lock:
            return self._pools.setdefault(key, StagePool(make, self._most))
