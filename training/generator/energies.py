"""Log energies of the micro front end's 40 channels, before noise suppression, PCAN and logarithm.

In floating point: the fixed point of kws.frontend is what devices compute; here nothing depends on its bits.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft

from kws.evaluation.levels import Audio
from kws.frontend import FrontendConfig

Floats = npt.NDArray[np.float32]

CONFIG = FrontendConfig()
BINS = CONFIG.fft_size // 2 + 1
FLOOR_DB = -70.0
"""Level of white noise, re full scale, whose energy is added to each channel: so digital silence has a
logarithm, and what lies below the noise of most microphones looks the same."""


def log_energies(audio: Audio) -> Floats:
    """Natural logarithm of each channel's energy and floor, shape (t, 40); one row every 10 ms, of 30 ms."""
    frames = frames_of(audio)
    energies = np.square(np.abs(rfft(frames * window(), CONFIG.fft_size, axis=1))) @ filters()
    return np.log(energies + floor()).astype(np.float32)


def frames_of(audio: Audio) -> Floats:
    """All whole windows, a view of shape (t, 480)."""
    if len(audio) < CONFIG.window_samples:
        return np.empty((0, CONFIG.window_samples), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(audio, CONFIG.window_samples)
    return windows[:: CONFIG.step_samples]


@cache
def window() -> Floats:
    """Hann, taken at the middle of each sample's interval, shape (480,)."""
    middle = np.arange(CONFIG.window_samples) + 0.5
    return (0.5 - 0.5 * np.cos(2 * np.pi / CONFIG.window_samples * middle)).astype(np.float32)


@cache
def filters() -> Floats:
    """Triangles on the mel scale, each from its neighbours' peaks: bins' powers @ this, shape (257, 40)."""
    low, high = _mel(np.array([CONFIG.lower_hz, CONFIG.upper_hz]))
    peaks = np.linspace(low, high, CONFIG.channels + 2)
    bins = _mel(np.arange(BINS) * CONFIG.sample_rate / CONFIG.fft_size)[:, None]
    rising = (bins - peaks[:-2]) / (peaks[1:-1] - peaks[:-2])
    falling = (peaks[2:] - bins) / (peaks[2:] - peaks[1:-1])
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


@cache
def floor() -> Floats:
    """Energy of the white noise of `FLOOR_DB` in each channel, shape (40,)."""
    per_bin = 10 ** (FLOOR_DB / 10) * np.square(window()).sum()
    return (per_bin * filters().sum(axis=0)).astype(np.float32)


def _mel(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return 1127 * np.log1p(hertz / 700)
