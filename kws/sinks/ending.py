"""The end of sinks: all of them at once, so that many that hang take no longer than one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kws.sinks.outlet import Outlet

INTERRUPTED_SECONDS = 0.1
"""For sinks to end that were interrupted."""
SPOOLED_SECONDS = 0.2
"""For spools to write what waits a last time."""


def end(outlets: Sequence[Outlet], seconds: float) -> list[Outlet]:
    """Let them hand over what waits for so long, then give up; those that have not ended.

    Takes `seconds` and INTERRUPTED_SECONDS and SPOOLED_SECONDS at most, however many there are.
    """
    for outlet in outlets:
        outlet.finish()
    _wait((outlet.thread for outlet in outlets), seconds)
    for outlet in outlets:
        outlet.give_up()
    _wait((outlet.thread for outlet in outlets), INTERRUPTED_SECONDS)
    spools = [outlet.spool for outlet in outlets if outlet.spool]
    for spool in spools:
        spool.finish()
    _wait((spool.thread for spool in spools), SPOOLED_SECONDS)
    return [outlet for outlet in outlets if not outlet.ended]


def _wait(threads: Iterable[threading.Thread], seconds: float) -> None:
    """For all of them together."""
    latest = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, latest - time.monotonic()))
