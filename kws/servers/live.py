"""What the page shows of the audio: the rows that the models see, their scores, the level."""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from kws.engine import Engine, WakeWord
from kws.errors import KwsError
from kws.frontends import MICRO, new_front_end
from kws.servers.hub import Hub
from kws.tally import level_db
from kws.types import Block, Rows, Samples

WAITING = 50
"""Blocks that may wait to be looked at, two seconds; what comes beyond is not shown."""

_log = logging.getLogger(__name__)


class LiveView:
    """A tap of the daemon. While nobody looks it does nothing; else it runs models of its own, in the
    servers' thread, so that the loop that listens is never held up. Models are made in yet another thread,
    since the servers have other clients."""

    def __init__(self, hub: Hub, loop: asyncio.AbstractEventLoop, build: Callable[[], Engine]) -> None:
        self._hub = hub
        self._loop = loop
        self._build = build
        self._view: _View | None = None
        self._making: asyncio.Task[_View] | None = None
        self._held: list[Samples] = []  # what came while models were made
        self._room = threading.Semaphore(WAITING)

    def tap(self, block: Block) -> None:
        """Take a block of audio; never waits."""
        if (
            self._hub.subscribers
            and len(block.pcm)
            and not self._loop.is_closed()
            and self._room.acquire(blocking=False)
        ):
            self._loop.call_soon_threadsafe(self._look, np.array(block.pcm))

    def renew(self) -> None:
        """The models have changed, which who looks is told; any thread may say so."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._forget)

    def _forget(self) -> None:
        self._view = self._making = None
        self._hub.publish("models", "{}")

    def _look(self, pcm: Samples) -> None:
        self._held.append(pcm)
        if self._view is not None:
            self._show(self._view)
        elif self._making is None:
            self._making = self._loop.create_task(self._make())
            self._making.add_done_callback(self._made)
        elif self._making.done():
            self._drop()  # they could not be made, and will not be before they change

    async def _make(self) -> _View:
        return await self._loop.run_in_executor(None, lambda: _View(self._build()))

    def _made(self, making: asyncio.Task[_View]) -> None:
        if making.cancelled():  # the servers end
            return
        try:
            view = making.result()
        except KwsError as error:
            _log.warning("the page shows no scores: %s", error)
            self._drop()
            return
        if making is self._making:
            self._view = view
            self._show(view)

    def _show(self, view: _View) -> None:
        try:
            for pcm in self._held:
                self._hub.publish("audio", json.dumps(view.of(pcm), separators=(",", ":")))
        finally:
            self._drop()

    def _drop(self) -> None:
        if self._held:
            self._room.release(len(self._held))
        self._held.clear()


class _View:
    """Models, and the rows that are drawn."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._drawn = new_front_end(MICRO)

    def of(self, pcm: Samples) -> dict[str, Any]:
        """What these samples add."""
        kinds = {kind: front_end.push(pcm) for kind, front_end in self._engine.front_ends.items()}
        scores = [_latest(word, kinds[word.bundle.front_end]) for word in self._engine.wake_words]
        rows = self._drawn.push(pcm).astype(int) + 128
        return {"rows": rows.tolist(), "scores": scores, "level": round(level_db(pcm), 1)}


def _latest(word: WakeWord, rows: Rows) -> list[list[float]]:
    """Scores of each step that these rows complete, one list a step."""
    return [[round(float(score), 3) for score in step] for step in word.scores(rows)] if len(rows) else []
