"""The daemon's HTTP server: state, figures, events, and the live page."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from aiohttp import web

from kws.addresses import split_address
from kws.errors import KwsError
from kws.events import Event, Partial
from kws.recording import FALSE_ALARM, MISSED
from kws.servers.guard import Guard, add_headers
from kws.servers.hub import Hub
from kws.servers.patience import Patience
from kws.sinks.notice import Notice

PAGE = Path(__file__).parent / "page"
FILES = {"/": "live.html", "/live.js": "live.js", "/live.css": "live.css"}
"""Address -> file; there are no others, and none is looked for."""
RECENT = 50
"""Events kept for who looks at the page later."""
CONNECTIONS = 256
"""At once. A process may have some thousand files open: strangers who connect and say nothing, which needs no
token, must leave the sinks their share."""
STREAMS = 32
"""Readers of events and live views at once."""
WRITE_SECONDS = 10.0
"""For a reader to take what it is sent."""

_log = logging.getLogger(__name__)


class Daemon(Protocol):
    """What the server shows."""

    def health(self) -> dict[str, Any]:
        """`status` is "ok" if audio flows."""

    def metrics(self) -> bytes:
        """Prometheus' text."""

    def models(self) -> list[dict[str, Any]]:
        """Name, threshold and calibration of each wake word."""

    def set_threshold(self, model: int, threshold: float) -> None:
        """Until the next reload; raises KwsError."""

    def mark(self, kind: str) -> str:
        """Keep the last seconds as "false-alarm" or "missed"; the file; raises KwsError where that is off."""


class HttpServer:
    """At one address.

    Args:
        token: what readers must show; "" for none.
        feed: what is heard.
    """

    def __init__(self, address: str, token: str, daemon: Daemon, feed: EventFeed) -> None:
        self._host, self._port = split_address(address)
        self._daemon = daemon
        self._feed = feed
        self._streams = 0
        self._patience = Patience()
        app = web.Application(
            middlewares=[Guard(token).handle, self._patience.handle], client_max_size=65_536
        )
        app.on_response_prepare.append(add_headers)
        for path in FILES:
            app.router.add_get(path, self._file)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/models", self._models)
        app.router.add_get("/recent", self._recent)
        app.router.add_get("/events", self._stream_of(feed.events))
        app.router.add_get("/live", self._stream_of(feed.live))
        app.router.add_post("/threshold", self._threshold)
        app.router.add_post("/mark", self._mark)
        self._listening: asyncio.Server | None = None
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    @property
    def port(self) -> int:
        """The one listened on, also where 0 was asked for."""
        assert self._listening
        return int(self._listening.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Answer from now on; raises KwsError if the address is in use or not ours."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            self._listening = await loop.create_server(self._protocol, self._host, self._port)
        except OSError as error:
            await self._runner.cleanup()
            raise KwsError(
                f"{self._host}:{self._port}: cannot listen there ({error.strerror or error}); "
                "set http.address to a free one"
            ) from error
        self._watching = loop.create_task(self._patience.watch(self._connections))

    async def stop(self) -> None:
        """Answer no more."""
        if self._listening:
            self._listening.close()
            self._watching.cancel()
        await self._runner.cleanup()

    def _connections(self) -> list[web.RequestHandler]:
        server = self._runner.server
        assert server
        return server.connections

    def _protocol(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        assert server
        return server() if len(self._connections()) < CONNECTIONS else _SentAway()

    async def _file(self, request: web.Request) -> web.StreamResponse:
        return web.FileResponse(PAGE / FILES[request.path])

    async def _health(self, request: web.Request) -> web.StreamResponse:
        health = self._daemon.health()
        status = 200 if health["status"] == "ok" else 503
        return web.json_response({**health, "version": version("kws")}, status=status)

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        form = "text/plain; version=0.0.4; charset=utf-8"
        return web.Response(body=self._daemon.metrics(), headers={"Content-Type": form})

    async def _models(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._daemon.models())

    async def _recent(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(text=f"[{', '.join(self._feed.recent)}]")

    async def _threshold(self, request: web.Request) -> web.StreamResponse:
        asked = await _object(request)
        model, threshold = asked.get("model"), asked.get("threshold")
        if isinstance(model, bool) or isinstance(threshold, bool):
            model = None  # Python takes those two for numbers
        if not isinstance(model, int) or not isinstance(threshold, (int, float)) or not 0 <= threshold <= 1:
            raise web.HTTPBadRequest(text="send {model: NUMBER, threshold: 0 to 1}")
        return await _answer(lambda: self._daemon.set_threshold(model, float(threshold)))

    async def _mark(self, request: web.Request) -> web.StreamResponse:
        kind = (await _object(request)).get("kind")
        if kind not in (FALSE_ALARM, MISSED):
            raise web.HTTPBadRequest(text=f'send {{kind: "{FALSE_ALARM}" or "{MISSED}"}}')
        return await _answer(lambda: self._daemon.mark(str(kind)))

    def _stream_of(self, hub: Hub) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def stream(request: web.Request) -> web.StreamResponse:
            if self._streams >= STREAMS:
                raise web.HTTPServiceUnavailable(text=f"{STREAMS} readers are here already")
            self._streams += 1
            try:
                return await _send_all(request, hub.messages())
            finally:
                self._streams -= 1

        return stream


class _SentAway(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class EventFeed:
    """A Sink of the daemon that publishes; `emit` never waits.

    Args:
        events: gets every event.
        live: gets them too, beside what is seen.
        stamp: adds to an event what sinks are told as well: the time of day, how loud a word was.
    """

    def __init__(self, events: Hub, live: Hub, stamp: Callable[[Event], Notice]) -> None:
        self.events = events
        self.live = live
        self._stamp = stamp
        self._recent: deque[str] = deque(maxlen=RECENT)

    @property
    def recent(self) -> list[str]:
        """The last events, the oldest first, but for those that the next one replaces."""
        return list(self._recent)

    def emit(self, event: Event, /) -> None:
        """To everyone who reads."""
        line = self._stamp(event).to_json()
        if not isinstance(event, Partial):
            self._recent.append(line)
        for hub in (self.events, self.live):
            hub.publish("event", line)

    def close(self) -> None:
        """Nothing is held back."""


async def _send_all(request: web.Request, messages: AsyncGenerator[str, None]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    try:
        async with contextlib.aclosing(messages):
            async for message in messages:
                await asyncio.wait_for(response.write(message.encode()), WRITE_SECONDS)
    except (ConnectionError, asyncio.TimeoutError):
        _log.debug("a reader has gone, or does not read")
        if request.transport:
            request.transport.abort()
    return response


async def _answer(action: Callable[[], str | None]) -> web.StreamResponse:
    """Done in another thread, for it may load a model or write a file."""
    try:
        done = await asyncio.get_running_loop().run_in_executor(None, action)
    except KwsError as error:
        return web.json_response({"error": str(error)}, status=409)
    return web.json_response({"done": done or "yes"})


async def _object(request: web.Request) -> dict[str, Any]:
    try:
        value = await request.json()
    except (ValueError, RecursionError) as error:
        raise web.HTTPBadRequest(text="send JSON") from error
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="send a JSON object")
    return value
