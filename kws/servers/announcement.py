"""A Wyoming server told to the local network by multicast DNS, so that Home Assistant finds it by itself."""

from __future__ import annotations

import asyncio
import logging
import socket
from itertools import count
from urllib.parse import urlsplit

from zeroconf import (  # type: ignore[attr-defined]  # get_all_addresses is public, but not said to be
    DNSQuestionType,
    Error,
    InterfaceChoice,
    IPVersion,
    ServiceInfo,
    get_all_addresses,
)
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from kws.addresses import is_loopback
from kws.errors import KwsError

SERVICE_TYPE = "_wyoming._tcp.local."
SERVICE_NAME = "kws"
ANYWHERE = ("0.0.0.0", "::")
LOOKS = 3
LOOK_MILLISECONDS = 1_500
"""For another to say that it has that name; nobody says the same twice within a second (RFC 6762, 6)."""
RETRY_SECONDS = 30.0
"""A network that is not there yet, at boot for one, is looked for again so often."""

_log = logging.getLogger(__name__)


class Announcement:
    """Of one server, from `start` to `stop`, on the network that its address belongs to.

    Raises:
        KwsError: the server is not one that other programs reach by TCP.
    """

    def __init__(self, uri: str, name: str = SERVICE_NAME) -> None:
        parts = urlsplit(uri)
        if parts.scheme != "tcp" or not parts.hostname or parts.port is None:
            raise KwsError(f"{uri}: only tcp:// can be announced; leave zeroconf out")
        self._uri, self._host, self._port = uri, parts.hostname, parts.port
        self._wanted = name
        self._service: ServiceInfo | None = None
        self._zeroconf: AsyncZeroconf | None = None

    @property
    def name(self) -> str:
        """As announced: with a number behind it where the network has that name already."""
        return self._service.name.removesuffix(f".{SERVICE_TYPE}") if self._service else self._wanted

    async def start(self) -> None:
        """Announce it; raises KwsError where there is no network, or the name cannot be used."""
        try:
            addresses = await self._addresses()
            self._zeroconf = self._opened(addresses)
            name = await _free_name(self._zeroconf, self._wanted)
            service = ServiceInfo(SERVICE_TYPE, name, self._port, parsed_addresses=addresses)
            await (await self._zeroconf.async_register_service(service, allow_name_change=True))
            self._service = service
        except (OSError, Error, ValueError) as error:
            await self._close()
            raise KwsError(
                f"{self._uri}: cannot be announced ({error or type(error).__name__}); is there a network? "
                "if so, try another name"
            ) from error

    async def keep_trying(self) -> None:
        """Announce it as soon as there is a network to announce it in."""
        said = False
        while True:
            try:
                return await self.start()
            except KwsError as error:
                if not said:
                    _log.warning("%s; trying again", error)
                said = True
            await asyncio.sleep(RETRY_SECONDS)

    async def stop(self) -> None:
        """Take it back, so that nobody looks for it here any more."""
        if self._zeroconf and self._service:
            await (await self._zeroconf.async_unregister_service(self._service))
        await self._close()

    async def _close(self) -> None:
        zeroconf, self._zeroconf, self._service = self._zeroconf, None, None
        if zeroconf:
            await zeroconf.async_close()

    async def _addresses(self) -> list[str]:
        if self._host in ANYWHERE:
            found = [address for address in get_all_addresses() if not is_loopback(address)]
            if not found:
                raise OSError(None, "this computer has no address but its own")
            return found
        loop = asyncio.get_running_loop()
        answers = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(address[0]) for *_, address in answers))

    def _opened(self, addresses: list[str]) -> AsyncZeroconf:
        if self._host in ANYWHERE:
            return AsyncZeroconf(InterfaceChoice.All, ip_version=IPVersion.V4Only)
        six = all(":" in address for address in addresses)
        version = IPVersion.V6Only if six else IPVersion.V4Only
        return AsyncZeroconf([a for a in addresses if (":" in a) == six], ip_version=version)


async def _free_name(zeroconf: AsyncZeroconf, wanted: str) -> str:
    """The wanted name, or the first with a number behind it that nobody answers to."""
    for number in count(1):
        name = f"{wanted}.{SERVICE_TYPE}" if number == 1 else f"{wanted}-{number}.{SERVICE_TYPE}"
        if not await _is_taken(zeroconf, name):
            break
    return name


async def _is_taken(zeroconf: AsyncZeroconf, name: str) -> bool:
    """Asked more than once, since multicast answers may be lost or held back."""
    for _ in range(LOOKS):
        asked = AsyncServiceInfo(SERVICE_TYPE, name)
        # By multicast: of several programs at the port an answer to us alone would reach any one.
        if await asked.async_request(zeroconf.zeroconf, LOOK_MILLISECONDS, DNSQuestionType.QM):
            return True
    return False
