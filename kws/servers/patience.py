"""How long a connection may take to ask: half a request would hold its place for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

ASK_SECONDS = 10.0
"""From the connection, or the last answer, to the end of a request, its body too."""
LOOKS = 10
"""Within that time: who is late is hung up on at the next one."""


class Patience:
    """Hangs up on connections that have not asked in time; an answer may take as long as it does, and a
    stream of events goes on.

    It looks at all connections now and then, so that one which comes and goes leaves nothing behind.
    """

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = ASK_SECONDS if seconds is None else seconds
        self._since: dict[asyncio.BaseProtocol, float] = {}
        self._answered: set[asyncio.BaseProtocol] = set()

    @web.middleware
    async def handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Wait for the whole request, then for nothing: aiohttp's middleware, behind all that refuse one."""
        await request.read()
        connection = request.protocol
        self._answered.add(connection)
        try:
            return await handler(request)
        finally:
            self._answered.discard(connection)
            self._since[connection] = asyncio.get_running_loop().time()

    async def watch(self, connections: Callable[[], Iterable[web.RequestHandler]]) -> None:
        """For ever; `connections` tells which there are."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._seconds / LOOKS)
            self.look(connections(), loop.time())

    def look(self, connections: Iterable[web.RequestHandler], now: float) -> None:
        """Hang up on those that are late; `now` in seconds."""
        asking = [connection for connection in connections if connection not in self._answered]
        self._since = {connection: self._since.get(connection, now) for connection in asking}
        for connection in asking:
            if now - self._since[connection] > self._seconds and connection.transport:
                connection.transport.abort()  # closing would wait for one that does not read its answer
