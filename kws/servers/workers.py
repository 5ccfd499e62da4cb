"""Threads for what would hold up an event loop, and with it every other client."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class Workers:
    """Making engines, and listening to speech, each in threads of its own.

    One thread makes engines, for two at once would take as long; those that listen never wait for it.
    """

    def __init__(self, name: str) -> None:
        self._making = ThreadPoolExecutor(1, f"{name} making")
        self._listening = ThreadPoolExecutor(os.cpu_count() or 1, f"{name} listening")
        self._busy = 0

    @property
    def busy(self) -> bool:
        """Whether any of them still works."""
        return self._busy > 0

    async def make(self, work: Callable[[], Result]) -> Result:
        """What it returns; what it raises comes here."""
        return await self._run(self._making, work)

    async def listen(self, work: Callable[[], Result]) -> Result:
        """The same, in another thread."""
        return await self._run(self._listening, work)

    def close(self) -> None:
        """Begin nothing more; what runs goes on."""
        for pool in (self._making, self._listening):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], Result]) -> Result:
        def counted() -> Result:
            self._busy += 1
            try:
                return work()
            finally:
                self._busy -= 1

        return await asyncio.get_running_loop().run_in_executor(pool, counted)
