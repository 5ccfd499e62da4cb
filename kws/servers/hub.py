"""Messages to any number of browsers: published from any thread, queued for each, dropped for who is slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

CAPACITY = 256
"""Messages held for one subscriber, about ten seconds of the live view."""
PULSE_SECONDS = 15.0
"""Without a message for so long a sign of life is sent, which also shows that a subscriber has gone."""


class Hub:
    """Takes server-sent events, already written; hands each to all who are subscribed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.dropped = 0
        """Messages that found a subscriber's queue full."""
        self._loop = loop
        self._queues: set[asyncio.Queue[str]] = set()

    @property
    def subscribers(self) -> int:
        """At this moment."""
        return len(self._queues)

    def publish(self, kind: str, data: str) -> None:
        """From any thread; costs nothing while nobody is subscribed. `data` is one line."""
        if self._queues and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._distribute, f"event: {kind}\ndata: {data}\n\n")

    async def messages(self) -> AsyncGenerator[str, None]:
        """All that is published from now on, with comments as signs of life."""
        queue: asyncio.Queue[str] = asyncio.Queue(CAPACITY)
        self._queues.add(queue)
        try:
            yield ": here\n\n"
            while True:
                try:
                    yield await asyncio.wait_for(queue.get(), PULSE_SECONDS)
                except asyncio.TimeoutError:
                    yield ": still here\n\n"
        finally:
            self._queues.discard(queue)

    def _distribute(self, message: str) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
                self.dropped += 1
            queue.put_nowait(message)
