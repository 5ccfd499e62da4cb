"""What a recognizer's network is given: rows of the micro front end, or what an encoder makes of audio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from kws.encoders.lower_layers import LowerLayers, LowerLayersConfig
from kws.errors import KwsError
from kws.frontend import Frontend, FrontendConfig
from kws.frontends import WAVEFORM
from kws.recognition.acoustic import SETTLING_SECONDS, quiet_rows
from kws.recognition.bundle import LOWER_LAYERS
from kws.types import Rows, Samples

Mask = Callable[[Rows, np.random.Generator], None]
"""Hides, in place, part of the frequencies of one take's rows (t, channels)."""

AFTER_SECONDS = 0.24
"""Of silence after every take, of which a random part counts: what a recognizer is given at the end."""


@dataclass(frozen=True)
class Hearing:
    """How audio becomes a network's input."""

    encoder: str
    """As a bundle's manifest names it; "" for the micro front end."""
    digest: str
    """Of all that the values depend on."""
    channels: int
    """Of a row."""
    row_seconds: float
    stride: int
    """Rows of a network step, 40 ms."""
    scale: float
    zero_point: int
    """real = (int8 - zero_point) * scale."""
    hear: Callable[[Samples], Rows]
    """All rows of one recording."""
    hide: Mask

    @property
    def after_rows(self) -> int:
        """Quiet rows that follow a take."""
        return round(AFTER_SECONDS / self.row_seconds)

    @property
    def step_seconds(self) -> float:
        """From one network step to the next."""
        return self.stride * self.row_seconds

    @property
    def quiet(self) -> Rows:
        """A row in which nothing is heard, shape (channels,)."""
        return _quiet(self.encoder)

    def real_valued(self, rows: Rows) -> npt.NDArray[np.float32]:
        """int8 rows -> what they stand for."""
        return (rows.astype(np.float32) - self.zero_point) * np.float32(self.scale)


def hearing(encoder: str = "") -> Hearing:
    """Of a recipe's `network.encoder`.

    Raises:
        KwsError: no such encoder, or its package is not installed.
    """
    if not encoder:
        micro = FrontendConfig()
        return Hearing(
            "", micro.digest, micro.channels, micro.row_seconds, 4, micro.row_scale, micro.row_zero_point,
            lambda samples: Frontend().push(samples), _hide_channels,
        )  # fmt: skip
    if encoder != LOWER_LAYERS:
        raise KwsError(f"network.encoder is {encoder!r}; allowed are {LOWER_LAYERS!r} and none")
    lower = LowerLayersConfig()
    return Hearing(
        encoder, lower.digest, lower.values, lower.step_seconds, 1, lower.scale, lower.zero_point,
        _lower_layers, _hide_band,
    )  # fmt: skip


def _lower_layers(samples: Samples) -> Rows:
    """After the quiet that a recognizer hears at first."""
    encoder = LowerLayers()
    encoder.push(_room(SETTLING_SECONDS))
    return encoder.push(samples)


def _room(seconds: float) -> Samples:
    return quiet_rows(WAVEFORM, round(100 * seconds)).reshape(-1)


@cache
def _quiet(encoder: str) -> Rows:
    if encoder:
        return LowerLayers().push(_room(2.0))[-1]
    config = FrontendConfig()
    return np.full(config.channels, config.row_zero_point, np.int8)


def _hide_channels(rows: Rows, rng: np.random.Generator) -> None:
    """Two bands of up to eight channels (SpecAugment, Park et al. 2019)."""
    for _ in range(2):
        channel = rng.integers(rows.shape[1])
        rows[:, channel : channel + rng.integers(9)] = FrontendConfig().row_zero_point


def _hide_band(rows: Rows, rng: np.random.Generator) -> None:
    """Now and then one of the four bands of frequency."""
    config = LowerLayersConfig()
    width = config.values // config.bands
    if rng.random() < _BAND_SHARE:
        band = slice(width * (first := int(rng.integers(config.bands))), width * (first + 1))
        rows[:, band] = _quiet(LOWER_LAYERS)[band]


_BAND_SHARE = 0.4
