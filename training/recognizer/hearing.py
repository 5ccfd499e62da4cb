"""What a recognizer's network is given: rows of the micro front end, or what an encoder makes of audio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from kws.encoders.full_band import FullBandConfig
from kws.encoders.lower_layers import LowerLayersConfig
from kws.errors import KwsError
from kws.frontends import FULL_BAND, LOWER_LAYERS, MICRO, WAVEFORM, RowFormat, new_front_end, row_format
from kws.recognition.acoustic import SETTLING_SECONDS, quiet_rows
from kws.types import Rows, Samples
from training.learning.row_values import real_valued

Mask = Callable[[Rows, np.random.Generator], None]
"""Hides, in place, part of the frequencies of one take's rows (t, channels)."""

AFTER_SECONDS = 0.24
"""Of silence after every take, of which a random part counts: what a recognizer is given at the end."""


@dataclass(frozen=True)
class Hearing:
    """How audio becomes a network's input."""

    encoder: str
    """What makes of audio what a network takes, see kws.frontends."""
    format: RowFormat
    """Of that."""
    stride: int
    """Rows of a network step, 40 ms."""
    hide: Mask

    @property
    def after_rows(self) -> int:
        """Quiet rows that follow a take."""
        return round(AFTER_SECONDS / self.format.row_seconds)

    @property
    def step_seconds(self) -> float:
        """From one network step to the next."""
        return self.stride * self.format.row_seconds

    @property
    def quiet(self) -> Rows:
        """A row in which nothing is heard, shape (channels,)."""
        return _quiet(self.encoder)

    def hear(self, samples: Samples) -> Rows:
        """All rows of one recording; an encoder hears first the quiet that a recognizer hears."""
        stage = new_front_end(self.encoder)
        if self.encoder != MICRO:
            stage.push(_room(SETTLING_SECONDS))
        return stage.push(samples)

    def real_valued(self, rows: Rows) -> npt.NDArray[np.float32]:
        """int8 rows -> what they stand for."""
        return real_valued(rows, self.format)


def hearing(encoder: str = MICRO) -> Hearing:
    """Of a recipe's `network.encoder`; KwsError for one that no network is built behind."""
    if encoder not in _NETWORKS:
        raise KwsError(f"network.encoder is {encoder!r}; allowed are {', '.join(_NETWORKS)}")
    stride, hide = _NETWORKS[encoder]
    return Hearing(encoder, row_format(encoder), stride, hide)


def _room(seconds: float) -> Samples:
    return quiet_rows(WAVEFORM, round(100 * seconds)).reshape(-1)


@cache
def _quiet(encoder: str) -> Rows:
    if encoder != MICRO:
        return new_front_end(encoder).push(_room(2.0))[-1]
    format = row_format(MICRO)
    return np.full(format.channels, format.row_zero_point, np.int8)


def _hide_channels(rows: Rows, rng: np.random.Generator) -> None:
    """Two bands of up to eight channels (SpecAugment, Park et al. 2019)."""
    _hide_stretches(rows, _quiet(MICRO), rng)


def _hide_stretches(x: npt.NDArray[np.int8], quiet: npt.NDArray[np.int8], rng: np.random.Generator) -> None:
    """Twice up to eight neighbours on the last axis."""
    for _ in range(2):
        first = rng.integers(x.shape[-1])
        hidden = slice(first, first + rng.integers(9))
        x[..., hidden] = quiet[..., hidden]


def _hide_band(rows: Rows, rng: np.random.Generator) -> None:
    """Now and then one of the four bands of frequency."""
    config = LowerLayersConfig()
    width = config.values // config.bands
    if rng.random() < _BAND_SHARE:
        band = slice(width * (first := int(rng.integers(config.bands))), width * (first + 1))
        rows[:, band] = _quiet(LOWER_LAYERS)[band]


def _hide_both(rows: Rows, rng: np.random.Generator) -> None:
    """A band of the lower layers, and channels of the energies or all that no telephone hears."""
    config = FullBandConfig()
    split, by_row = config.lower.values, (-1, config.lower.rows, config.log_mel.channels)
    _hide_band(rows[:, :split], rng)
    energies = rows[:, split:].reshape(by_row)
    quiet = _quiet(FULL_BAND)[None, split:].reshape(by_row)
    if rng.random() < _NARROW_SHARE:
        first = rng.integers(*_NARROW_CHANNELS)
        energies[..., first:] = quiet[..., first:]
    else:
        _hide_stretches(energies, quiet, rng)
    rows[:, split:] = energies.reshape(len(rows), -1)


_BAND_SHARE = 0.4
_NARROW_SHARE = 0.3
"""Of the masked takes, how many are heard as by a telephone or a headset of the narrow band."""
_NARROW_CHANNELS = (30, 33)
"""Their first channel without energy: from 3.7 to 4.2 kHz."""

_NETWORKS: dict[str, tuple[int, Mask]] = {
    MICRO: (4, _hide_channels),
    LOWER_LAYERS: (1, _hide_band),
    FULL_BAND: (1, _hide_both),
}
"""Encoder -> rows of a network step, and how takes are masked."""
