"""The servers that run beside the daemon's loop, in a thread of their own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import TimeoutError
from typing import TYPE_CHECKING

from kws.assembly import build_spotting, dictation_of, language_of, spotting_of
from kws.recording import Recorder
from kws.servers.http import EventFeed, HttpServer
from kws.servers.hub import Hub
from kws.servers.live import LiveView
from kws.servers.panel import Panel
from kws.servers.thread import STOP_SECONDS, ServerThread
from kws.service import Service
from kws.sinks.secret import read_secret
from kws.types import Block, Sink

if TYPE_CHECKING:
    from kws.servers.announcement import Announcement
    from kws.servers.wyoming import WyomingServer


class Servers:
    """HTTP and Wyoming, as the configuration asks for them.

    Raises:
        KwsError: an address cannot be listened on, or the token cannot be read.
    """

    def __init__(self, service: Service, recorder: Recorder) -> None:
        self._thread = ServerThread()
        self._service = service
        loop = self._thread.loop
        events, live = Hub(loop), Hub(loop)
        self._view = LiveView(live, loop, lambda: build_spotting(service.config.model))
        service.on_reload.append(self._view.renew)
        self._feed = EventFeed(events, live, service.outlets.stamped)
        http = service.config.http
        if http.address:
            panel = Panel(service, recorder)
            self.http = HttpServer(http.address, read_secret(http.token_file), panel, self._feed)
            self._thread.call(self.http.start())
        self._wyoming: WyomingServer | None = None
        self._announcement: Announcement | None = None
        if service.config.wyoming.uri:
            self._thread.call(self._serve_wyoming())

    @property
    def sinks(self) -> Sequence[Sink]:
        """To be given every event."""
        return [self._feed]

    @property
    def taps(self) -> Sequence[Callable[[Block], None]]:
        """To be given all audio."""
        return [self._view.tap]

    @property
    def hanging(self) -> list[str]:
        """What `close` did not wait for: an engine that is being made for a client."""
        return ["a Wyoming client's engine"] if self._wyoming and self._wyoming.busy else []

    def close(self) -> None:
        """Answer no more."""
        for service in (self._announcement, self._wyoming):
            if service:
                with contextlib.suppress(TimeoutError):
                    self._thread.call(service.stop(), STOP_SECONDS)
        self._thread.close()

    async def _serve_wyoming(self) -> None:
        from kws.servers.ears import ModelEars
        from kws.servers.wyoming import WyomingServer

        def ears() -> ModelEars:
            config = self._service.config
            speech = config.speech
            return ModelEars(spotting_of(lambda: config.model), dictation_of(speech), language_of(speech))

        settings = self._service.config.wyoming
        server = self._wyoming = WyomingServer(settings.uri, ears())
        await server.start()
        self._service.on_reload.append(lambda: server.listen_with(ears()))
        if settings.zeroconf:
            from kws.servers.announcement import Announcement

            self._announcement = Announcement(settings.uri)
            self._announcing = asyncio.create_task(self._announcement.keep_trying())
