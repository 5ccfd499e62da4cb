"""A server announced by multicast DNS on loopback, and looked for as Home Assistant does it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pymicro_wakeword
import pytest
from daemons import ALEXA, Daemon
from wyoming.client import AsyncClient
from wyoming.info import Describe, Info
from zeroconf import ServiceStateChange
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

import kws
from kws.errors import KwsError
from kws.servers import announcement
from kws.servers.announcement import SERVICE_TYPE, Announcement
from kws.servers.ears import ModelEars
from kws.servers.wyoming import WyomingServer

MODEL = Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json"
PATIENCE = 60
NAME = f"kws under test {os.getpid()}"


class Neighbour:
    """Another computer of the network, as far as multicast DNS can tell."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        """Of the services that are there now."""
        self._zeroconf = AsyncZeroconf(["127.0.0.1"])
        self._browser = AsyncServiceBrowser(self._zeroconf.zeroconf, SERVICE_TYPE, handlers=[self._noted])

    async def address_of(self, name: str, seconds: float = PATIENCE) -> str:
        """As HOST:PORT; "" for one that does not answer."""
        info = AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}")
        found = await info.async_request(self._zeroconf.zeroconf, 1000 * seconds)
        return f"{info.parsed_addresses()[0]}:{info.port}" if found else ""

    async def name_of(self, address: str) -> str:
        """Waits for a service there."""
        while True:
            for name in set(self.names):
                if await self.address_of(name, seconds=5) == address:
                    return name
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        await self._browser.async_cancel()
        await self._zeroconf.async_close()

    def _noted(
        self, zeroconf: object, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        change = self.names.discard if state_change is ServiceStateChange.Removed else self.names.add
        change(name.removesuffix(f".{SERVICE_TYPE}"))


@contextlib.asynccontextmanager
async def neighbour() -> AsyncIterator[Neighbour]:
    neighbour = Neighbour()
    try:
        yield neighbour
    finally:
        await neighbour.close()


async def until(condition: Callable[[], bool]) -> None:
    async def holds() -> None:
        while not condition():
            await asyncio.sleep(0.05)

    await asyncio.wait_for(holds(), PATIENCE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def test_a_server_is_found_by_its_type_and_answers_there_until_it_takes_itself_back() -> None:
    async def test() -> None:
        uri = f"tcp://127.0.0.1:{free_port()}"
        server = WyomingServer(uri, ModelEars(lambda: kws.load(MODEL)))
        await server.start()
        subject = Announcement(uri, NAME)
        await subject.start()
        async with neighbour() as home_assistant:
            await until(lambda: NAME in home_assistant.names)
            found = await home_assistant.address_of(NAME)
            assert f"tcp://{found}" == uri
            async with AsyncClient.from_uri(f"tcp://{found}") as client:
                await client.write_event(Describe().event())
                answer = await asyncio.wait_for(client.read_event(), PATIENCE)
            assert answer
            assert Info.from_event(answer).wake[0].models[0].name == "alexa"
            await subject.stop()
            await until(lambda: NAME not in home_assistant.names)
        await server.stop()

    asyncio.run(test())


def test_a_daemon_announces_itself_and_says_goodbye(tmp_path: Path) -> None:
    uri = f"tcp://127.0.0.1:{free_port()}"

    async def test() -> None:
        async with neighbour() as home_assistant:
            daemon = Daemon(tmp_path, f'{ALEXA}[wyoming]\nuri = "{uri}"\nzeroconf = true\n')
            with contextlib.closing(daemon):
                name = await asyncio.wait_for(home_assistant.name_of(uri.removeprefix("tcp://")), PATIENCE)
                assert name.startswith("kws")
                assert daemon.stop() == (0, "")
                await until(lambda: name not in home_assistant.names)

    asyncio.run(test())


def test_two_of_one_name_are_told_apart() -> None:
    async def test() -> None:
        first, second = (Announcement(f"tcp://127.0.0.1:{free_port()}", NAME) for _ in range(2))
        try:
            await first.start()
            await second.start()
            assert first.name == NAME
            assert second.name != NAME
            async with neighbour() as home_assistant:
                await until(lambda: {first.name, second.name} <= home_assistant.names)
        finally:
            await first.stop()
            await second.stop()

    asyncio.run(test())


def test_a_server_for_everyone_tells_no_address_of_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Announcement("tcp://0.0.0.0:10400")
    monkeypatch.setattr(announcement, "get_all_addresses", lambda: ["127.0.0.1", "192.0.2.7"])
    assert asyncio.run(subject._addresses()) == ["192.0.2.7"]


def test_without_a_network_it_is_said_and_the_daemon_tries_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(announcement, "get_all_addresses", lambda: ["127.0.0.1"])
    monkeypatch.setattr(announcement, "RETRY_SECONDS", 0.01)
    subject = Announcement("tcp://0.0.0.0:10400")
    with pytest.raises(KwsError, match=r"cannot be announced .*; is there a network"):
        asyncio.run(subject.start())

    async def test() -> None:
        tries = asyncio.create_task(subject.keep_trying())
        await asyncio.sleep(0.1)
        assert not tries.done()
        tries.cancel()

    asyncio.run(test())
    assert [record.message.count("trying again") for record in caplog.records] == [1]


@pytest.mark.parametrize("uri", ["unix:///run/kws/wyoming", "stdio://", "tcp://127.0.0.1"])
def test_what_is_not_reached_by_tcp_cannot_be_announced(uri: str) -> None:
    with pytest.raises(KwsError, match="only tcp:// can be announced"):
        Announcement(uri)


def test_a_name_that_is_too_long_is_one_line() -> None:
    subject = Announcement(f"tcp://127.0.0.1:{free_port()}", "kws" * 30)
    with pytest.raises(KwsError, match="try another name"):
        asyncio.run(subject.start())
