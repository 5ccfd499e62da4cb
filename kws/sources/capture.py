"""From the audio thread to the reader: a bounded queue that knows what it lost."""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable
from dataclasses import dataclass

QUEUE_SECONDS = 5.0
"""Audio held for a reader that is busy; what comes beyond is lost, and counted."""
PIECE_SECONDS = 0.04
"""Audio per call of the driver: small against the time to a detection, large against its cost."""


@dataclass(frozen=True)
class Piece:
    """What the driver brought in one call."""

    pcm: bytes
    """int16, interleaved."""
    frames: int
    arrived: float
    """Seconds of the monotonic clock, at its end."""
    lost: int | None = None
    """Frames lost just before it; 0 if the driver lost some and its clock does not show how many."""


class Capture:
    """The queue of one opened stream.

    The audio thread calls `put`, which never waits; the reader calls `take`. Frames that found the queue
    full are counted. Where the driver says that it lost some itself, their number is estimated
    from its time stamps, to about the length of one of its buffers.
    """

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.ended = False
        """Whether the driver has stopped the stream."""
        self._rate = rate
        self._clock = clock
        self._queue: queue.Queue[Piece | None] = queue.Queue(round(QUEUE_SECONDS / PIECE_SECONDS))
        self._lost: int | None = None
        self._expected: float | None = None

    def put(self, pcm: bytes, frames: int, captured: float, overflow: bool) -> None:
        """Take what the driver brings; `captured` is its time of the first frame, 0 if it has none."""
        now = self._clock()
        captured = captured or now - frames / self._rate
        if overflow and self._expected is not None:
            late = round((captured - self._expected) * self._rate)
            self._lost = (self._lost or 0) + max(0, late)
        self._expected = captured + frames / self._rate
        try:
            self._queue.put_nowait(Piece(pcm, frames, now, self._lost))
            self._lost = None
        except queue.Full:
            self._lost = (self._lost or 0) + frames

    def end(self) -> None:
        """The driver has stopped the stream; the reader learns it after what is still queued."""
        self.ended = True
        with contextlib.suppress(queue.Full):  # then the reader waits in vain for the next piece instead
            self._queue.put_nowait(None)

    def take(self, timeout: float) -> Piece | None:
        """The next piece; None when the stream has ended or nothing came for `timeout` seconds."""
        try:
            return self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
