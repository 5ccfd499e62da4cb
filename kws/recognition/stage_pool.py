"""A few acoustic stages for many streams: each is lent for one hearing at a time, to any thread.

Two streams never hear through one stage at once, and a stage says when another has used it since. So what
a stream is told is what a stage of its own would have told it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from kws.recognition.recognizer import AcousticStage

if TYPE_CHECKING:
    from kws.delegates import Delegate
    from kws.recognition.bundle import RecognizerBundle


@dataclass
class _Place:
    """One stage and who has had it last."""

    stage: AcousticStage
    borrower: object


class StagePool:
    """Stages of one kind.

    Args:
        make: a new one; called when somebody asks and all that there are are lent.
        most: how many there may be; who comes when they are all lent waits.
    """

    def __init__(self, make: Callable[[], AcousticStage], most: int = 1) -> None:
        self._make, self._most = make, most
        self._idle: list[_Place] = []  # the one that was given back last stands last
        self._count = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def lent(self, borrower: object) -> Iterator[tuple[AcousticStage, bool]]:
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
    """A StagePool for each recognizer, of so many stages each."""

    def __init__(self, most: int = 1) -> None:
        self._most = most
        self._pools: dict[tuple[str, str, str], StagePool] = {}
        self._lock = threading.Lock()

    def of(self, recognizer: RecognizerBundle, delegate: Delegate | None = None) -> StagePool:
        """That of this recognizer, as it is now; nothing is loaded before the first candidate."""
        key = str(recognizer.manifest_path.resolve()), recognizer.model_sha256, str(delegate or "")

        def stage() -> AcousticStage:
            from kws.recognition.build import spotting_stage

            return spotting_stage(recognizer, delegate)

        with self._lock:
            return self._pools.setdefault(key, StagePool(stage, self._most))
