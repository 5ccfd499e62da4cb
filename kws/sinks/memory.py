"""Events kept in a list: the sink for tests, and for programs that look at them afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from kws.errors import KwsError
from kws.events import Event


@dataclass(frozen=True)
class Options:
    """A sink in memory has no keys."""


class Collector:
    """A Sink that keeps what it gets."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        """Everything emitted, in order."""
        self.closed = False
        """Whether `close` was called."""

    def emit(self, event: Event, /) -> None:
        """Keep the event; ValueError after `close`, as a real sink would fail."""
        if self.closed:
            raise ValueError("this sink is closed")
        self.events.append(event)

    def close(self) -> None:
        """Take no more events."""
        self.closed = True


def open_uri(uri: str, options: Options) -> Collector:
    """A new collector; there is nothing to address."""
    if uri != "memory:":
        raise KwsError(f'{uri}: a sink in memory has no address; write "memory:"')
    return Collector()
