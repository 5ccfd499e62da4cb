"""The live view: models are made beside the servers' loop, and nothing is lost to the view meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable

import numpy as np
import pytest

import kws
from kws.errors import BundleError
from kws.servers import live
from kws.servers.hub import Hub
from kws.servers.live import WAITING, LiveView
from kws.servers.thread import ServerThread
from kws.types import Block, Samples

PATIENCE = 60
BLOCK = Block(np.zeros(480, np.int16))


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), PATIENCE))


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def shown(messages: AsyncGenerator[str, None]) -> int:
    """Labels whose scores the next message shows."""
    while not (message := await messages.__anext__()).startswith("event: audio"):
        pass
    return len(json.loads(message.partition("data: ")[2])["scores"])


def test_models_are_made_while_the_loop_goes_on() -> None:
    given = threading.Event()

    def build() -> kws.Engine:
        assert given.wait(PATIENCE)
        return kws.load("computer")

    async def test() -> None:
        hub = Hub(asyncio.get_running_loop())
        view, messages = LiveView(hub, asyncio.get_running_loop(), build), hub.messages()
        await messages.__anext__()
        for _ in range(WAITING + 100):
            view.tap(BLOCK)  # would hang here, or below
        await asyncio.sleep(0.05)
        given.set()
        assert [await shown(messages) for _ in range(WAITING)] == [1] * WAITING
        view.tap(BLOCK)
        assert await shown(messages) == 1
        await messages.aclose()

    run(test)


def test_models_that_have_changed_take_over() -> None:
    names = ["computer"]

    async def test() -> None:
        hub = Hub(asyncio.get_running_loop())
        view = LiveView(hub, asyncio.get_running_loop(), lambda: kws.load(*names))
        messages = hub.messages()
        await messages.__anext__()
        for names[:] in (["computer"], ["computer", "jarvis"], ["alexa"]):
            view.renew()
            view.tap(BLOCK)
            assert await shown(messages) == len(names)
        await messages.aclose()

    run(test)


def test_who_looks_is_told_that_models_have_changed() -> None:
    async def test() -> None:
        hub = Hub(asyncio.get_running_loop())
        view, messages = LiveView(hub, asyncio.get_running_loop(), kws.load), hub.messages()
        await messages.__anext__()
        view.renew()
        assert await messages.__anext__() == "event: models\ndata: {}\n\n"
        await messages.aclose()

    run(test)


def test_models_that_cannot_be_made_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    tries = []

    def build() -> kws.Engine:
        tries.append(1)
        if len(tries) == 1:
            raise BundleError("gone.json: is missing; name another")
        return kws.load("computer")

    async def test() -> None:
        hub = Hub(asyncio.get_running_loop())
        view, messages = LiveView(hub, asyncio.get_running_loop(), build), hub.messages()
        await messages.__anext__()
        view.tap(BLOCK)
        await until(lambda: bool(caplog.records))
        for _ in range(WAITING + 100):
            view.tap(BLOCK)
            await asyncio.sleep(0)
        assert len(tries) == 1
        view.renew()
        view.tap(BLOCK)
        assert await shown(messages) == 1
        await messages.aclose()

    run(test)
    assert [record.getMessage() for record in caplog.records] == [
        "the page shows no scores: gone.json: is missing; name another"
    ]


def test_what_could_not_be_shown_makes_room_for_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = []

    def fails(view: live._View, pcm: Samples) -> None:
        failed.append(pcm)
        raise ZeroDivisionError("a defect")

    async def test() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda loop, context: None)
        hub = Hub(loop)
        view, messages = LiveView(hub, loop, lambda: kws.load("computer")), hub.messages()
        await messages.__anext__()
        with monkeypatch.context() as patch:
            patch.setattr(live._View, "of", fails)
            for number in range(1, WAITING + 10):
                view.tap(BLOCK)
                await until(lambda number=number: len(failed) == number)  # type: ignore[misc]
        view.tap(BLOCK)
        assert await shown(messages) == 1
        await messages.aclose()

    run(test)


def test_the_end_does_not_wait_for_models(caplog: pytest.LogCaptureFixture) -> None:
    given, wanted, made = threading.Event(), threading.Event(), threading.Event()

    def build() -> kws.Engine:
        wanted.set()
        assert given.wait(PATIENCE)
        made.set()
        return kws.load("computer")

    async def look() -> None:
        await hub.messages().__anext__()
        view.tap(BLOCK)

    thread = ServerThread()
    hub = Hub(thread.loop)
    view = LiveView(hub, thread.loop, build)
    thread.call(look())
    assert wanted.wait(PATIENCE)
    thread.close()
    given.set()
    assert made.wait(PATIENCE)
    view.tap(BLOCK)
    view.renew()
    assert caplog.records == []
