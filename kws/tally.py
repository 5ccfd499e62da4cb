"""What a daemon has done so far, in numbers: for /metrics, the monitor and the log."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from kws.events import Event, Gap
from kws.types import SAMPLE_RATE, Samples

BLOCK_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5)
"""Bounds of the histogram of the time from a block's arrival to its events' being handed on."""
SILENCE_DB = -120.0
"""Level of digital silence, which has none."""

_FULL_SCALE = 32_768.0
_CLIPPED = 32_767


class Histogram:
    """Counts by upper bound, not cumulated; the last one is for what is above all bounds."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one; a value at a bound belongs below it."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Tally:
    """Numbers of one run. The loop writes, others read: each is a single value or grows alone."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.audio_seconds = 0.0
        self.lost_seconds = 0.0
        """Audio in gaps."""
        self.gaps: Counter[str] = Counter()
        """By reason, an overflow for one."""
        self.events: Counter[str] = Counter()
        """By type."""
        self.detections: Counter[str] = Counter()
        """By name."""
        self.clipped_samples = 0
        self.level_db = SILENCE_DB
        """Of the last block, dB below full scale."""
        self.block_seconds = Histogram(BLOCK_SECONDS)
        self.reloads = 0
        self.started = self.last_audio = clock()
        """By the monotonic clock."""
        self._clock = clock

    def heard(self, pcm: Samples) -> None:
        """Count a block of audio."""
        if not len(pcm):
            return
        self.last_audio = self._clock()
        self.audio_seconds += len(pcm) / SAMPLE_RATE
        self.level_db = level_db(pcm)
        self.clipped_samples += int(np.count_nonzero(np.abs(pcm.astype(np.int32)) >= _CLIPPED))

    def happened(self, event: Event) -> None:
        """Count an event."""
        self.events[event.type] += 1
        name = getattr(event, "name", None)
        if name is not None:
            self.detections[name] += 1
        if isinstance(event, Gap):
            self.lost_seconds += event.end - event.start
            self.gaps[event.reason] += 1


def level_db(pcm: Samples) -> float:
    """Root mean square, dB relative to full scale (a full-scale sine has -3)."""
    power = float(np.mean(np.square(pcm, dtype=np.float64)))
    return max(SILENCE_DB, 10 * np.log10(power / _FULL_SCALE**2)) if power else SILENCE_DB
