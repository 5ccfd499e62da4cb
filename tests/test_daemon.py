"""The loop: all events to all sinks, in order, each stream from its own start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from types import TracebackType

import numpy as np
import pytest

from kws.daemon import listen
from kws.errors import SourceError
from kws.events import Event, Gap
from kws.sinks.memory import Collector
from kws.types import Block

QUIET = np.zeros(160, np.int16)


class Blocks:
    """A source of given blocks, which may break off with an error."""

    def __init__(self, blocks: Sequence[Block], error: Exception | None = None) -> None:
        self._blocks = blocks
        self._error = error
        self.is_open = False

    def __enter__(self) -> Blocks:
        self.is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.is_open = False

    def __iter__(self) -> Iterator[Block]:
        yield from self._blocks
        if self._error:
            raise self._error


class Echo:
    """An engine that hands on each block's events, and notes its position since the last reset."""

    def __init__(self) -> None:
        self.position = 7  # not as new, so a missing reset shows

    def push(self, block: Block) -> list[Event]:
        self.position += 1
        return [*block.events, gap(self.position)]

    def flush(self) -> list[Event]:
        return [gap(-1)]

    def reset(self) -> None:
        self.position = 0


def gap(moment: float) -> Gap:
    """An event that can be told from others."""
    return Gap(start=moment, end=moment, reason="test")


def test_events_reach_every_sink_in_order() -> None:
    sinks = [Collector(), Collector()]
    source = Blocks([Block(QUIET), Block(QUIET, events=(gap(100),))])
    listen(source, Echo(), sinks)
    for sink in sinks:
        assert sink.events == [gap(1), gap(100), gap(2), gap(-1)]
        assert not sink.closed


def test_each_stream_starts_anew() -> None:
    engine, sink = Echo(), Collector()
    for _ in range(2):
        listen(Blocks([Block(QUIET)]), engine, [sink])
    assert sink.events == [gap(1), gap(-1)] * 2


def test_an_unreadable_source_is_closed_and_its_events_were_handed_on() -> None:
    sink = Collector()
    source = Blocks([Block(QUIET)], SourceError("talk.wav: ends early; copy it again"))
    with pytest.raises(SourceError, match="ends early"):
        listen(source, Echo(), [sink])
    assert sink.events == [gap(1)]
    assert not source.is_open


def test_events_are_handed_on_before_the_next_block_is_asked_for() -> None:
    sink = Collector()
    seen: list[int] = []

    class Watching(Blocks):
        def __iter__(self) -> Iterator[Block]:
            for block in super().__iter__():
                seen.append(len(sink.events))
                yield block

    listen(Watching([Block(QUIET)] * 3), Echo(), [sink])
    assert seen == [0, 1, 2]
