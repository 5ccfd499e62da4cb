"""Minutes of the CPU, of children too, and by the clock."""

from __future__ import annotations

import subprocess
import sys

import pytest

from training import stopwatch
from training.stopwatch import Stopwatch


def test_minutes_are_those_since_it_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, clock = iter((100.0, 250.0)), iter((1000.0, 1090.0))
    monkeypatch.setattr(stopwatch, "_cpu_seconds", lambda: next(cpu))
    monkeypatch.setattr("training.stopwatch.time.monotonic", lambda: next(clock))
    assert Stopwatch().minutes() == (2.5, 1.5)


def test_work_of_a_process_that_was_waited_for_counts() -> None:
    before = stopwatch._cpu_seconds()
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", busy], check=True)
    assert stopwatch._cpu_seconds() - before >= 0.3
