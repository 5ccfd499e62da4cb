"""All sinks of a daemon as one: each behind its Outlet, events stamped with the time of day."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from kws.config import Sink
from kws.errors import KwsError
from kws.events import Detection, Event
from kws.sinks import open_sink
from kws.sinks.ending import end
from kws.sinks.notice import DaemonSink, Stamped
from kws.sinks.outlet import Outlet
from kws.types import Block

if TYPE_CHECKING:
    from kws.sinks.spool import SpoolFile

HELD = 1_000
"""Events kept while sinks are exchanged, which takes a second at most."""

_log = logging.getLogger(__name__)


class Outlets:
    """A Sink in front of all configured ones; `emit` never waits.

    Args:
        measure: further fields of a detection, how loud it was for one.

    Raises:
        KwsError: a sink cannot be opened.
    """

    def __init__(
        self,
        sinks: Sequence[Sink],
        clock: Callable[[], float] = time.time,
        measure: Callable[[Detection], Mapping[str, float]] | None = None,
    ) -> None:
        self._clock = clock
        self._measure = measure
        self._lock = threading.Lock()
        self._held: deque[Stamped] | None = None
        self._changing = threading.Lock()
        self._closed = False
        self.hanging: list[str] = []
        """Names of sinks that had not ended when `close` gave up."""
        self._open = _opened(sinks)

    @property
    def outlets(self) -> list[Outlet]:
        """One for each configured sink."""
        return [outlet for _, outlet in self._open]

    def emit(self, event: Event, /) -> None:
        """To every sink that is to get it, or held while sinks are exchanged."""
        stamped = self.stamped(event)
        with self._lock:
            if self._held is not None:
                self._held.append(stamped)
                return
            self._hand_on(stamped)

    def stamped(self, event: Event) -> Stamped:
        """As sinks are told it: with the time of day, and of a detection how loud it was."""
        return Stamped(event, self._clock(), self._measured(event))

    def tap(self, block: Block) -> None:
        """A block of audio to every sink that wants it; never waits."""
        for _, outlet in self._open:
            if outlet.tap:
                outlet.tap(block)

    def update(self, sinks: Sequence[Sink], seconds: float = 1.0) -> None:
        """Exchange what has changed; sinks that are the same go on undisturbed, with what waits for them.

        Raises:
            KwsError: a new one cannot be opened; then all is as before.
        """
        with self._changing:
            if not self._closed:
                self._exchange(sinks, seconds)

    def close(self, seconds: float = 0.5) -> None:
        """Hand over what waits for so long, then give up; `hanging` tells which sinks did not end."""
        latest = time.monotonic() + seconds
        free = self._changing.acquire(timeout=seconds)
        self._closed = True
        if free:
            self._changing.release()
        self.hanging = [outlet.name for outlet in end(self.outlets, max(0.0, latest - time.monotonic()))]

    def _exchange(self, sinks: Sequence[Sink], seconds: float) -> None:
        staying = [(sink, outlet) for sink, outlet in self._open if sink in sinks]
        leaving = [(sink, outlet) for sink, outlet in self._open if sink not in sinks]
        coming = [sink for sink in sinks if sink not in [old for old, _ in staying]]
        with self._lock:
            self._held = deque(maxlen=HELD)
        try:
            end([outlet for _, outlet in leaving], seconds)  # first: both may want the same socket
            self._open = [*staying, *_opened(coming)]
        except Exception:  # a package that is not installed, too
            self._open = [*staying, *_reopened([sink for sink, _ in leaving])]
            raise
        finally:
            self._release()

    def _measured(self, event: Event) -> tuple[tuple[str, float], ...]:
        if self._measure is None or not isinstance(event, Detection):
            return ()
        return tuple(self._measure(event).items())

    def _release(self) -> None:
        with self._lock:
            for stamped in self._held or ():
                self._hand_on(stamped)
            self._held = None

    def _hand_on(self, stamped: Stamped) -> None:
        for _, outlet in self._open:
            outlet.emit(stamped)


def _opened(sinks: Sequence[Sink]) -> list[tuple[Sink, Outlet]]:
    opened: list[tuple[Sink, Outlet]] = []
    try:
        for sink in sinks:
            opened.append((sink, _outlet(sink)))
    except Exception:
        end([outlet for _, outlet in opened], 0)
        raise
    return opened


def _reopened(sinks: Sequence[Sink]) -> list[tuple[Sink, Outlet]]:
    """Those that can be; a disk that hangs may still hold the spool of another."""
    opened: list[tuple[Sink, Outlet]] = []
    for sink in sinks:
        try:
            opened.append((sink, _outlet(sink)))
        except KwsError as error:
            _log.error("%s gets no more events: %s", sink.settings.uri, error)
    return opened


def _outlet(sink: Sink) -> Outlet:
    settings = sink.settings
    spool = _spool(settings.spool)
    try:
        opened = cast("DaemonSink", open_sink(settings.uri, sink.options))  # ours all take a Notice
    except Exception:
        if spool:
            spool.close()
        raise
    return Outlet(
        settings.uri,
        opened,
        types=settings.events,
        capacity=settings.queue,
        retry_seconds=settings.retry_seconds,
        spool=spool,
    )


def _spool(path: str) -> SpoolFile | None:
    if not path:
        return None
    from kws.sinks.spool import SpoolFile  # SQLite is loaded where it is asked for

    return SpoolFile(path)
