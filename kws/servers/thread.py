"""An event loop in a thread of its own: servers beside the loop that listens."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")

STOP_SECONDS = 0.3


class ServerThread:
    """Runs coroutines beside the main thread; a daemon thread, so it never keeps the process alive."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="servers", daemon=True)
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, Result], seconds: float | None = None) -> Result:
        """What it returns, waited for; what it raises comes here."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(seconds)

    def close(self) -> None:
        """Cancel what still runs."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            running = asyncio.all_tasks(self.loop)
            for task in running:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*running, return_exceptions=True))
        finally:
            self.loop.close()
