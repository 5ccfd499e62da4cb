"""What a recognizer hears: the published lower layers, and the whole band's energies beside them.

The published network (see kws.encoders.speech_embedding) hears nothing above 3.8 kHz, where most of an "f" or
an "s" lies, and its lower layers keep no more of time than 40 ms. Log-mel energies up to 7.8 kHz, every
10 ms, bring both back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from kws.digest import Digested
from kws.encoders.logmel import LogMel, LogMelConfig, LogMelRows
from kws.encoders.lower_layers import LowerLayers, LowerLayersConfig
from kws.types import Rows, Samples


@dataclass(frozen=True)
class FullBandConfig(Digested):
    """What the values depend on, and how they come; see kws.frontends.RowFormat."""

    lower: LowerLayersConfig = field(default_factory=LowerLayersConfig)
    log_mel: LogMelConfig = field(default_factory=lambda: LogMelConfig(channels=40, upper_hz=7800.0))
    """Of the energies; their rows come when those of the lower layers do."""

    @property
    def energies(self) -> int:
        """Values of a step that are energies."""
        return self.lower.rows * self.log_mel.channels

    @property
    def channels(self) -> int:
        """Columns of a row: what the lower layers say, then the energies of its log-mel rows in turn."""
        return self.lower.channels + self.energies

    @property
    def row_scale(self) -> float:
        """What one int8 step means to a model, of either part: for energies half a decibel."""
        return self.lower.row_scale

    @property
    def row_zero_point(self) -> int:
        """The int8 value that stands for 0."""
        return self.lower.row_zero_point

    @property
    def row_seconds(self) -> float:
        """From one step to the next, 40 ms."""
        return self.lower.row_seconds

    def rows_end(self, rows: int) -> int:
        """Samples that had to be heard for the first `rows` steps (0 for none)."""
        return self.lower.rows_end(rows)


class FullBand:
    """A streaming Stage: int16 samples, shape (n,) -> int8 rows, shape (t, 448), one every 40 ms.

    Raises:
        KwsError: the package that holds the published network is not installed, or holds another one.
    """

    def __init__(self) -> None:
        self.config = config = FullBandConfig()
        self._lower, self._log_mel = LowerLayers(), LogMel(config.lower.rows, config.log_mel)

    def push(self, samples: Samples) -> Rows:
        """Steps completed by these samples; ValueError unless int16 of one dimension."""
        return self._side_by_side(self._lower.push(samples), self._log_mel.push(samples))

    def flush(self) -> Rows:
        """Nothing: samples short of a step are not heard."""
        return self._side_by_side(self._lower.flush(), self._log_mel.flush())

    def reset(self) -> None:
        """As new."""
        self._lower.reset()
        self._log_mel.reset()

    def _side_by_side(self, said: Rows, energies: LogMelRows) -> Rows:
        config = self.config
        steps = np.rint(energies / config.row_scale) + config.row_zero_point
        stored = np.clip(steps, -128, 127).astype(np.int8)
        return np.hstack([said, stored.reshape(-1, config.energies)])
