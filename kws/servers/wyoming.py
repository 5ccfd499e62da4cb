"""The Wyoming server: the package's, with a reader that has limits and one Conversation for each client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable

from wyoming.error import Error
from wyoming.event import Event
from wyoming.server import AsyncEventHandler, AsyncServer

from kws.addresses import is_service
from kws.errors import KwsError
from kws.servers.conversation import Conversation, Ears
from kws.servers.workers import Workers
from kws.servers.wyoming_wire import Limits, WireError, read_event

QUICK_BYTES = 16 * 1024
"""Half a second of 16 kHz audio; more of it at once is heard in another thread."""

KEEPALIVE = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 20, "TCP_KEEPCNT": 3}
"""Seconds without a sign, seconds between questions, questions without an answer."""

_log = logging.getLogger(__name__)


class Client(AsyncEventHandler):
    """One connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        conversation: Conversation,
        workers: Workers,
        limits: Limits,
        left: Callable[[], None],
    ) -> None:
        super().__init__(reader, writer)
        self._conversation = conversation
        self._workers = workers
        self._limits = limits
        self._left = left

    async def run(self) -> None:
        """Answer until the client leaves; one that misbehaves is told why, then disconnected."""
        try:
            while (event := await read_event(self.reader, self._limits)) is not None:
                await self.handle_event(event)
                await asyncio.sleep(0)  # whose next event is here already must not keep others waiting
        except WireError as error:
            _log.info("wyoming client: %s", error)
            with contextlib.suppress(Exception):
                await self._send(Error(str(error), "protocol").event())
        except (ConnectionError, asyncio.TimeoutError) as error:
            _log.debug("wyoming client: %s", error or "does not read what it is sent")
        except Exception:
            _log.exception("wyoming client: a defect of ours")
        finally:
            self._left()
            await self.disconnect()
            # Aborted, since a client that does not read would keep a connection in closing for ever.
            if self.writer.transport.get_write_buffer_size():
                self.writer.transport.abort()
            self.writer.close()

    async def stop(self) -> None:
        """Disconnect at once."""
        self.writer.transport.abort()

    async def handle_event(self, event: Event) -> bool:
        """Send the answers; raises WireError, asyncio.TimeoutError if the client does not take them."""
        for answer in await self._answers(event):
            await self._send(answer)
        return True

    async def _answers(self, event: Event) -> list[Event]:
        """Found here if that is quick, for a change of threads costs more than a step of a wake word."""
        if self._conversation.makes(event):
            return await self._workers.make(lambda: self._conversation.push(event))
        if len(event.payload or b"") > QUICK_BYTES:
            return await self._workers.listen(lambda: self._conversation.push(event))
        if self._conversation.take(event):
            return await self._workers.listen(self._conversation.answers)
        return self._conversation.answers()

    async def _send(self, event: Event) -> None:
        await asyncio.wait_for(self.write_event(event), self._limits.write_seconds)


class WyomingServer:
    """Clients at one address, each with ears of its own.

    Raises:
        KwsError: the address is none.
    """

    def __init__(self, uri: str, ears: Ears, limits: Limits | None = None) -> None:
        check_uri(uri)
        self.uri = uri
        self._ears = ears
        self._limits = limits or Limits()
        self._server = AsyncServer.from_uri(uri)
        self._workers = Workers("wyoming")
        self._connected = 0

    @property
    def connected(self) -> int:
        """Clients at this moment."""
        return self._connected

    @property
    def busy(self) -> bool:
        """Whether something is still worked on that `stop` does not wait for."""
        return self._workers.busy

    def listen_with(self, ears: Ears) -> None:
        """Let clients that come from now on be heard by these; any thread may say so."""
        self._ears = ears

    async def start(self) -> None:
        """Take clients from now on; raises KwsError if the address is in use or not ours."""
        try:
            await self._server.start(self._client)
        except OSError as error:
            raise KwsError(
                f"{self.uri}: cannot listen there ({error.strerror or error}); name a free address"
            ) from error

    async def run(self) -> None:
        """Serve standard input and output to their end: the one address that is not started."""
        await self._server.run(self._client)

    async def stop(self) -> None:
        """Disconnect everyone."""
        self._workers.close()
        await self._server.stop()

    def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncEventHandler:
        self._connected += 1
        _notice_its_end(writer)
        if self._connected > self._limits.connections:
            _log.warning("wyoming: more than %d clients; one is sent away", self._limits.connections)
            writer.close()
        return Client(reader, writer, Conversation(self._ears), self._workers, self._limits, self._forget)

    def _forget(self) -> None:
        self._connected -= 1


def _notice_its_end(writer: asyncio.StreamWriter) -> None:
    """Also where a client vanishes without a word: its connection would stay for ever, and take a place."""
    connection = writer.get_extra_info("socket")
    if connection is None or connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def check_uri(uri: str) -> None:
    """Raise KwsError unless it is tcp://HOST:PORT, unix:///PATH or stdio://."""
    if uri != "stdio://" and not is_service(uri):
        raise KwsError(
            f"{uri}: no address for Wyoming; write tcp://127.0.0.1:10400, unix:///run/kws/wyoming or stdio://"
        )
