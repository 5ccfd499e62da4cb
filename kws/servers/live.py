"""What the page shows of the audio: the rows that the models see, their scores, the level."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import numpy as np

from kws.engine import Engine, WakeWord
from kws.frontends import MICRO, new_front_end
from kws.servers.hub import Hub
from kws.tally import level_db
from kws.types import Block, Rows, Samples

WAITING = 50
"""Blocks that may wait to be looked at, two seconds; what comes beyond is not shown."""


class LiveView:
    """A tap of the daemon. While nobody looks it does nothing; else it runs models of its own, in the
    servers' thread, so that the loop that listens is never held up."""

    def __init__(self, hub: Hub, loop: asyncio.AbstractEventLoop, build: Callable[[], Engine]) -> None:
        self._hub = hub
        self._loop = loop
        self._build = build
        self._engine: Engine | None = None
        self._waiting = 0

    def tap(self, block: Block) -> None:
        """Take a block of audio; never waits."""
        if (
            self._hub.subscribers
            and len(block.pcm)
            and self._waiting < WAITING
            and not self._loop.is_closed()
        ):
            self._waiting += 1
            self._loop.call_soon_threadsafe(self._look, np.array(block.pcm))

    def renew(self) -> None:
        """The models have changed."""
        self._engine = None

    def _look(self, pcm: Samples) -> None:
        self._waiting -= 1
        if self._engine is None:
            self._engine = self._build()
            self._shown = new_front_end(MICRO)
        kinds = {kind: front_end.push(pcm) for kind, front_end in self._engine.front_ends.items()}
        scores = [_latest(word, kinds[word.bundle.front_end]) for word in self._engine.wake_words]
        rows = self._shown.push(pcm).astype(int) + 128
        view = {"rows": rows.tolist(), "scores": scores, "level": round(level_db(pcm), 1)}
        self._hub.publish("audio", json.dumps(view, separators=(",", ":")))


def _latest(word: WakeWord, rows: Rows) -> list[list[float]]:
    """Scores of each step that these rows complete, one list a step."""
    return [[round(float(score), 3) for score in step] for step in word.scores(rows)] if len(rows) else []
