"""One measurement in a fresh process: worker.py with a plan, by a Python that has what the adapter needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from kws.errors import KwsError
from kws.sources.capture import PIECE_SECONDS
from kws.types import SAMPLE_RATE

_WORKER = Path(__file__).with_name("worker.py")
OURS = Path(__file__).with_name("ours.py")
"""The adapter of kws itself."""

BLOCK = round(PIECE_SECONDS * SAMPLE_RATE)
"""Samples heard at a time, as they come from a microphone."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Spread:
    """Values of several runs.

    The median of all possible runs lies from `low` to `high` with confidence 1 - 2 / 2^runs: 97 % with six.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Median, lowest and highest."""
        found = sorted(values)
        return cls(median(found), found[0], found[-1])


@dataclass(frozen=True)
class Run:
    """What one fresh process took."""

    cpu: float
    """CPU seconds per audio second."""
    startup: float
    """Seconds of wall-clock time from the start of the process until its models are ready."""
    peak_mb: float
    """Megabytes (10^6 bytes) of resident memory at most."""
    loading: float = 0.0
    """CPU seconds of the process until then, which other work on the machine does not stretch."""
    p50: float = 0.0
    """CPU seconds that a chunk took, median."""
    p99: float = 0.0
    """The same, exceeded by one in a hundred."""


@dataclass(frozen=True)
class Plan:
    """What the worker is to do; its file says what each part means."""

    audio: Path
    seconds: float
    adapter: Path = OURS
    models: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    chunk: int = BLOCK
    streams: int = 1
    warm: float = 2.0
    scores: Path | None = None


def run(plan: Plan, python: Path | str = sys.executable) -> Run:
    """Carry a plan out.

    Raises:
        KwsError: the worker failed; the text holds its last line.
    """
    with tempfile.TemporaryFile("w+") as errors:
        started = time.perf_counter()
        with subprocess.Popen(
            [str(python), "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, **ONE_THREAD},
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            json.dump(asdict(plan), process.stdin, default=str)
            process.stdin.close()
            process.stdout.readline()
            startup = time.perf_counter() - started
            output = process.stdout.read()
        if process.returncode:
            errors.seek(0)
            last = (errors.read().strip().splitlines() or ["it failed"])[-1]
            raise KwsError(f"bench: {plan.adapter.stem} {' '.join(plan.models)}: {last}")
    return Run(startup=startup, **json.loads(output))
