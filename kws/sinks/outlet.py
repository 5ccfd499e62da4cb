"""One sink of the daemon: a bounded queue and a thread of its own, so that it can never hold up the audio."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from kws.events import Partial
from kws.sinks.ending import end
from kws.sinks.notice import DaemonSink, Notice, RefusedError, UnavailableError
from kws.types import Block

if TYPE_CHECKING:
    from kws.sinks.spool import Spool, SpoolFile

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0
"""Seconds before a failed delivery is tried again: the first, doubled each time up to the longest."""

_log = logging.getLogger(__name__)


@dataclass
class Counts:
    """What became of the events of one sink; taken + restored = delivered + dropped + refused + those still
    queued."""

    taken: int = 0
    restored: int = 0
    """Waited when the daemon last ended, and have been read again."""
    delivered: int = 0
    dropped: int = 0
    """Found the queue full, or could not be delivered within the time for trying."""
    refused: int = 0
    """The other side did not want them."""
    failures: int = 0
    """Tries that failed, for whatever reason."""


class Outlet:
    """A Sink in front of a slow or failing one.

    `emit` never waits: where the queue is full the oldest event goes, since of what is said to a house
    the newest counts. A thread hands them over one after the other and tries each again, with growing
    pauses, for `retry_seconds`.

    Args:
        spool: file in which events wait as well. Those that it holds come first; what still waits when the
            outlet closes stays in it.
    """

    def __init__(
        self,
        name: str,
        sink: DaemonSink,
        *,
        types: Collection[str] = (),
        capacity: int = 100,
        retry_seconds: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        spool: SpoolFile | None = None,
    ) -> None:
        self.name = name
        """What logs and figures call it."""
        self.counts = Counts()
        self.tap: Callable[[Block], None] | None = getattr(sink, "tap", None)
        """Takes every block of audio, for a sink that wants it; it never waits."""
        self._sink = sink
        self._types = frozenset(types)  # none: all
        self._capacity = capacity
        self._retry_seconds = retry_seconds
        self._clock = clock
        self._waiting: deque[tuple[int, Notice]] = deque()
        self._in_hand: tuple[int, Notice] | None = None
        self._numbers = count()
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._giving_up = threading.Event()
        self._works = True
        self.spool = self._spooled(spool) if spool else None
        """Keeps the file up to date, in a thread of its own."""
        # A daemon thread: one that hangs in a system call must not keep the process alive.
        self.thread = threading.Thread(target=self._run, name=f"sink {name}", daemon=True)
        """Hands events over, to the sink's end."""
        self.thread.start()

    @property
    def depth(self) -> int:
        """Events that wait, but for the one in hand."""
        return len(self._waiting)

    @property
    def spooled(self) -> int:
        """Events on disk: those that wait, and the one in hand."""
        return self.spool.depth if self.spool else 0

    def emit(self, notice: Notice, /) -> None:
        """Queue it, if it is of a type that this sink is to get."""
        if self._types and notice.type not in self._types:
            return
        with self._changed:
            self.counts.taken += 1
            self._queue(next(self._numbers), notice)
            self._changed.notify()
        self._tell_spool()

    def close(self, seconds: float = 0.5) -> bool:
        """Hand over what waits for so long, then give up; whether the sink has ended."""
        return not end([self], seconds)

    def finish(self) -> None:
        """Take nothing more after what waits; kws/sinks/ending.py waits for the end."""
        self._closing.set()
        with self._changed:
            self._changed.notify()

    def give_up(self) -> None:
        """Deliver nothing more; break off what is being delivered, where the sink can."""
        self._giving_up.set()
        interrupt = getattr(self._sink, "interrupt", None)
        if interrupt and self.thread.is_alive():
            interrupt()

    @property
    def ended(self) -> bool:
        """Whether the sink has, and its spool."""
        return not self.thread.is_alive() and not (self.spool and self.spool.thread.is_alive())

    def _spooled(self, file: SpoolFile) -> Spool:
        """Queue what the last run left in the file, and keep the file up to date from now on."""
        from kws.sinks.spool import Spool

        for number, notice in file.restored.items():
            self._queue(number, notice)
        self.counts.restored = len(file.restored)
        self._numbers = count(max(file.restored, default=0) + 1)
        spool = Spool(file, self._outstanding)
        spool.changed()  # what did not find room in the queue goes
        return spool

    def _queue(self, number: int, notice: Notice) -> None:
        if len(self._waiting) >= self._capacity:
            self._waiting.popleft()
            self.counts.dropped += 1
        self._waiting.append((number, notice))

    def _outstanding(self) -> dict[int, Notice]:
        """What waits, the one in hand too; but for what means nothing in another run."""
        with self._changed:
            waiting = [*([self._in_hand] if self._in_hand else []), *self._waiting]
        return {number: notice for number, notice in waiting if notice.type != Partial.type}

    def _tell_spool(self) -> None:
        if self.spool:
            self.spool.changed()

    def _run(self) -> None:
        while (notice := self._next()) is not None:
            if self._deliver(notice):
                self._in_hand = None
                self._tell_spool()
        try:
            self._sink.close()
        except Exception as error:
            _log.warning("%s: closing failed: %s", self.name, _reason(error))

    def _next(self) -> Notice | None:
        """The next event, waited for; None when the outlet closes and nothing waits, or it has to end now."""
        with self._changed:
            while not self._waiting and not self._closing.is_set():
                self._changed.wait()
            if self._giving_up.is_set():
                self._give_up()
            elif self._waiting:
                self._in_hand = self._waiting.popleft()
                return self._in_hand[1]
            return None

    def _give_up(self) -> None:
        if not self.spool:
            self.counts.dropped += len(self._waiting)
            self._waiting.clear()

    def _deliver(self, notice: Notice) -> bool:
        """Whether it is done with, delivered or not; if not it stays in the spool."""
        started, pause = self._clock(), FIRST_PAUSE
        while not self._try(notice):
            late = self._clock() - started + pause > self._retry_seconds
            if late or self._giving_up.wait(pause):
                if self.spool and not late:
                    return False
                self.counts.dropped += 1
                return True
            pause = min(2 * pause, LONGEST_PAUSE)
        return True

    def _try(self, notice: Notice) -> bool:
        """Whether this event is done with."""
        try:
            self._sink.emit(notice)
        except (OSError, UnavailableError) as error:
            self._failed(error)
            return False
        except Exception as error:  # also a defect of the sink must not end its thread
            self.counts.refused += 1
            self.counts.failures += 1
            expected = isinstance(error, RefusedError)
            _log.warning("%s: %s", self.name, _reason(error), exc_info=None if expected else error)
            return True
        self.counts.delivered += 1
        self._succeeded()
        return True

    def _failed(self, error: Exception) -> None:
        self.counts.failures += 1
        if self._works:  # once an outage, or the log would fill
            again = "" if self._giving_up.is_set() else "; trying again"
            _log.warning("%s: %s%s", self.name, _reason(error), again)
        self._works = False

    def _succeeded(self) -> None:
        if not self._works:
            _log.warning("%s: works again; %d events dropped so far", self.name, self.counts.dropped)
        self._works = True


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
