"""What a training takes, for the pages that tell it."""

from __future__ import annotations

import resource
import time


class Stopwatch:
    """Runs from the moment it is made."""

    def __init__(self) -> None:
        self._cpu, self._clock = _cpu_seconds(), time.monotonic()

    def minutes(self) -> tuple[float, float]:
        """Of the CPU, by this process and those that it has waited for, and by the clock; to a tenth."""
        return round((_cpu_seconds() - self._cpu) / 60, 1), round((time.monotonic() - self._clock) / 60, 1)


def _cpu_seconds() -> float:
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)
