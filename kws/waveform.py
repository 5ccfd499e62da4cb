"""Audio itself as rows of 10 ms, for models that bring what listens: keeping them costs nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kws.digest import Digested
from kws.types import SAMPLE_RATE, Rows, Samples


@dataclass(frozen=True)
class WaveformConfig(Digested):
    """How the rows come; see kws.frontends.RowFormat."""

    channels: int = 160
    """Samples of a row."""
    row_scale: float = 1.0
    row_zero_point: int = 0

    @property
    def row_seconds(self) -> float:
        """Time from one row to the next."""
        return self.channels / SAMPLE_RATE

    def rows_end(self, rows: int) -> int:
        """Samples that had to be heard for the first `rows` rows."""
        return rows * self.channels


class Waveform:
    """A streaming Stage: int16 samples, shape (n,) -> the same as rows, shape (t, 160)."""

    _pending: Samples

    def __init__(self) -> None:
        self.config = WaveformConfig()
        self.reset()

    def push(self, samples: Samples) -> Rows:
        """Rows completed by these samples; ValueError unless int16 of one dimension."""
        if samples.dtype != np.int16 or samples.ndim != 1:
            raise ValueError(f"samples must be int16, shape (n,), not {samples.dtype} {samples.shape}")
        audio = np.concatenate([self._pending, samples])
        whole = len(audio) // self.config.channels * self.config.channels
        self._pending = audio[whole:]
        return audio[:whole].reshape(-1, self.config.channels)

    def flush(self) -> Rows:
        """Nothing: samples short of a row are not heard."""
        return np.empty((0, self.config.channels), np.int16)

    def reset(self) -> None:
        """Forget all audio."""
        self._pending = np.empty(0, np.int16)
