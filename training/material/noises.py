"""Noise from formulas: what lies under speech where no recordings of noise are at hand."""

from __future__ import annotations

import numpy as np
from scipy.signal import firwin2, lfilter

from kws.evaluation.levels import Audio, to_int16
from kws.types import SAMPLE_RATE, Samples

SECONDS = 10
_TAPS = 257
_CORNERS = np.array([0, 60, 125, 250, 500, 1000, 2000, 4000, 8000]) / 8000


def made_noises(count: int, *, seed: int) -> list[Samples]:
    """Ten seconds each of int16: hiss and rumble of any colour, steady or swelling; hum or knocks in some."""
    rng = np.random.default_rng([seed, 5])
    return [to_int16(_noise(rng)) for _ in range(count)]


def _noise(rng: np.random.Generator) -> Audio:
    sound = _coloured(rng) * _swelling(rng)
    if rng.random() < 0.3:
        sound = sound + rng.uniform(0.2, 2.0) * _hum(rng)
    if rng.random() < 0.3:
        sound = sound + rng.uniform(0.5, 3.0) * _knocks(rng)
    return np.asarray(0.3 * sound / np.abs(sound).max(), np.float32)


def _coloured(rng: np.random.Generator) -> Audio:
    """White noise through a random response: a slope of 0 to -9 dB an octave, and 6 dB of chance about it."""
    octaves = np.log2(np.maximum(_CORNERS * 8000, 30) / 30)
    gains = -rng.uniform(0, 9) * octaves + rng.normal(0, 6, len(octaves))
    taps = firwin2(_TAPS, _CORNERS, 10 ** (gains / 20))
    return _unit(lfilter(taps, 1, rng.normal(size=SECONDS * SAMPLE_RATE)))


def _swelling(rng: np.random.Generator) -> Audio:
    """Loudness over time, up to 20 dB either way, changing every half second to five."""
    points = int(SECONDS / rng.uniform(0.5, 5)) + 2
    decibels = np.interp(
        np.linspace(0, points - 1, SECONDS * SAMPLE_RATE),
        np.arange(points),
        rng.normal(0, rng.uniform(0, 10), points).clip(-20, 20),
    )
    return np.asarray(10 ** (decibels / 20), np.float32)


def _hum(rng: np.random.Generator) -> Audio:
    """A motor or the mains: a fundamental of 45 to 400 Hz and its harmonics."""
    time = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    base = rng.uniform(45, 400)
    phases = 2 * np.pi * (base * np.arange(1, 9)[:, None] * time + rng.random((8, 1)))
    return _unit((rng.normal(size=8) / np.arange(1, 9)) @ np.sin(phases))


def _knocks(rng: np.random.Generator) -> Audio:
    """Decaying resonances at random times."""
    sound = np.zeros(SECONDS * SAMPLE_RATE)
    for start in rng.integers(0, len(sound) - SAMPLE_RATE // 2, rng.integers(2, 30)):
        time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
        ring = np.sin(2 * np.pi * rng.uniform(80, 3000) * time) * np.exp(-time / rng.uniform(0.005, 0.08))
        sound[start : start + len(ring)] += rng.uniform(0.2, 1) * ring
    return _unit(sound)


def _unit(sound: np.ndarray) -> Audio:
    """At an RMS of 1."""
    return np.asarray(sound / (np.std(sound) + 1e-9), np.float32)
