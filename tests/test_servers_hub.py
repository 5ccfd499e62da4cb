"""Messages to many: each gets all, who is slow loses the oldest, who is not there costs nothing."""

from __future__ import annotations

import asyncio
import threading

import pytest

from kws.servers import hub as hub_module
from kws.servers.hub import CAPACITY, Hub
from kws.servers.thread import ServerThread


def message(number: int) -> str:
    return f"event: test\ndata: {number}\n\n"


def test_every_subscriber_gets_what_is_published_from_another_thread() -> None:
    async def test() -> None:
        hub = Hub(asyncio.get_running_loop())
        hub.publish("test", "nobody is here")
        streams = [hub.messages() for _ in range(3)]
        for stream in streams:
            assert (await stream.__anext__()).startswith(":")
        assert hub.subscribers == 3
        publisher = threading.Thread(target=lambda: [hub.publish("test", str(n)) for n in range(100)])
        publisher.start()
        for stream in streams:
            assert [await stream.__anext__() for _ in range(100)] == [message(n) for n in range(100)]
            await stream.aclose()
        publisher.join()
        assert hub.subscribers == 0

    asyncio.run(test())


def test_who_is_slow_loses_the_oldest() -> None:
    async def test() -> None:
        hub = Hub(asyncio.get_running_loop())
        stream = hub.messages()
        await stream.__anext__()
        for number in range(CAPACITY + 10):
            hub.publish("test", str(number))
        await asyncio.sleep(0)
        assert hub.dropped == 10
        assert await stream.__anext__() == message(10)
        await stream.aclose()

    asyncio.run(test())


def test_a_quiet_house_gives_signs_of_life(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "PULSE_SECONDS", 0.01)

    async def test() -> None:
        stream = Hub(asyncio.get_running_loop()).messages()
        assert [(await stream.__anext__())[0] for _ in range(3)] == [":"] * 3
        await stream.aclose()

    asyncio.run(test())


def test_after_the_end_publishing_is_no_harm() -> None:
    thread = ServerThread()
    hub = Hub(thread.loop)

    async def subscribe() -> None:
        await hub.messages().__anext__()

    thread.call(subscribe())
    thread.close()
    hub.publish("test", "late")
