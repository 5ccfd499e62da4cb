"""Notices that a microphone delivers nothing but zeros, as a suspended or muted one does."""

from __future__ import annotations

import numpy as np

from kws.types import SAMPLE_RATE, Samples

LONGEST_SECONDS = 600.0
"""However long the silence lasts, the microphone is opened again this often."""


class SilenceWatch:
    """Counts zeros. Each alarm doubles the time to the next, up to LONGEST_SECONDS: a microphone that is
    muted by a switch is not mended by opening it again. Any sound begins anew."""

    def __init__(self, seconds: float) -> None:
        self._first = seconds
        self._limit = seconds
        self._zeros = 0

    @property
    def seconds(self) -> float:
        """Silence so far."""
        return self._zeros / SAMPLE_RATE

    def push(self, pcm: Samples) -> bool:
        """Whether these samples make it an alarm."""
        if not self._first or not len(pcm):
            return False
        if np.any(pcm):
            self._zeros, self._limit = 0, self._first
            return False
        self._zeros += len(pcm)
        if self.seconds < self._limit:
            return False
        self._zeros = 0
        self._limit = min(2 * self._limit, max(LONGEST_SECONDS, self._first))
        return True
