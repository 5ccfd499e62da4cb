"""The source as the daemon's loop sees it: it can be stopped, and between blocks other things are seen to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

from kws.silence import SilenceWatch
from kws.tally import Tally
from kws.types import Block, Source


class StoppedError(BaseException):
    """Raised by a signal's handler into the wait for the next block, which may last seconds."""


class AttendedSource:
    """A Source around another one.

    Args:
        opened: called once the source is open.
        between: called before each block is awaited.
        taps: called with each block before the loop gets it; they must not wait.
    """

    def __init__(
        self,
        source: Source,
        *,
        silence_seconds: float,
        tally: Tally,
        opened: Callable[[], None],
        between: Callable[[], None],
        taps: Sequence[Callable[[Block], None]] = (),
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._source = source
        self._silence = SilenceWatch(silence_seconds)
        self._tally = tally
        self._opened = opened
        self._between = between
        self._taps = taps
        self._clock = clock
        self._stopping = False
        self._waiting = False

    def __enter__(self) -> AttendedSource:
        self._source.__enter__()
        self._opened()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._source.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[Block]:
        blocks = iter(self._source)
        while (block := self._next(blocks)) is not None:
            arrived = self._clock()
            self._attend(block)
            yield block
            self._tally.block_seconds.add(self._clock() - arrived)

    def stop(self) -> None:
        """End with the block that is being worked on. A signal's handler may call it: in the main thread it
        also ends the wait for a block."""
        self._stopping = True
        if self._waiting:
            self._waiting = False
            raise StoppedError

    def _next(self, blocks: Iterator[Block]) -> Block | None:
        self._between()
        self._waiting = True
        try:
            return None if self._stopping else next(blocks, None)
        except StoppedError:
            return None
        finally:
            self._waiting = False

    def _attend(self, block: Block) -> None:
        self._tally.heard(block.pcm)
        for tap in self._taps:
            tap(block)
        reopen = getattr(self._source, "reopen", None)
        if self._silence.push(block.pcm) and reopen:
            reopen("nothing but zeros")
