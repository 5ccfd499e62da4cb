"""The only loop: audio from a source, through an engine, to sinks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kws.events import Event
from kws.types import Block, Sink, Source, Stage


def listen(source: Source, engine: Stage[Block, list[Event]], sinks: Sequence[Sink]) -> None:
    """Hand every event of one stream to every sink, from the stream's start to its end.

    The engine starts anew, so times count from the first sample of this source. Sinks stay open: who opened
    them closes them.

    Raises:
        SourceError: the source cannot be opened or turns out unreadable; events up to there were handed on.
    """
    engine.reset()
    with source as blocks:
        for block in blocks:
            hand_on(engine.push(block), sinks)
    hand_on(engine.flush(), sinks)


def hand_on(events: Iterable[Event], sinks: Sequence[Sink]) -> None:
    """Every event to every sink, in order."""
    for event in events:
        for sink in sinks:
            sink.emit(event)
