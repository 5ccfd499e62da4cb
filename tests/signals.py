"""Test signals with known physics, int16 at 16 kHz, each three seconds."""

from __future__ import annotations

import numpy as np

from kws.types import SAMPLE_RATE, Samples

SECONDS = 3
_N = SECONDS * SAMPLE_RATE
_TIME = np.arange(_N) / SAMPLE_RATE
_PEAK = 32767


def clipped(values: np.ndarray) -> Samples:
    """Rounded and limited to 16 bits."""
    return np.clip(np.rint(values), -_PEAK - 1, _PEAK).astype(np.int16)


def tone(hz: float, amplitude: float = 20_000) -> Samples:
    """A sine; amplitudes beyond 32767 clip."""
    return clipped(amplitude * np.sin(2 * np.pi * hz * _TIME))


def noise(amplitude: float, seed: int = 0) -> Samples:
    """White Gaussian noise of that standard deviation."""
    return clipped(np.random.default_rng(seed).normal(0, amplitude, _N))


def bursts(seed: int = 0) -> Samples:
    """Noise whose loudness jumps every 50 ms, from silence to full scale: work for everything that adapts."""
    rng = np.random.default_rng(seed)
    loudness = np.repeat(rng.choice([0, 3, 100, 3_000, 30_000], _N // 800), 800)
    return clipped(loudness * rng.normal(0, 1, _N))


SIGNALS: dict[str, Samples] = {
    "silence": np.zeros(_N, np.int16),
    "one unit of dither": clipped(np.random.default_rng(1).integers(-1, 2, _N)),
    "noise": noise(3_000),
    "full-scale noise": clipped(np.random.default_rng(2).integers(-32768, 32768, _N)),
    "bursts": bursts(),
    "tone 440 Hz": tone(440),
    "tone 7 kHz": tone(7_000),
    "faint tone": tone(1_000, amplitude=8),
    "clipping tone": tone(700, amplitude=200_000),
    "square wave": np.where(np.arange(_N) // 8 % 2, -32768, _PEAK).astype(np.int16),
    "chirp 0 to 7.5 kHz": clipped(30_000 * np.sin(2 * np.pi * 1_250 * _TIME**2)),
    "impulses": np.where(np.arange(_N) % 1_600, 0, _PEAK).astype(np.int16),
    "negative impulses": np.where(np.arange(_N) % 1_777, 0, -32768).astype(np.int16),
    "constant minimum": np.full(_N, -32768, np.int16),
    "constant maximum": np.full(_N, _PEAK, np.int16),
    "alternating extremes": np.where(np.arange(_N) % 2, -32768, _PEAK).astype(np.int16),
}
