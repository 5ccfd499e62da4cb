"""Log energies -> audio that has them, by alternating projections (Griffin and Lim 1984) on channel energies.

A second of audio has 16,000 samples and only 4,000 energies: from noise that is shaped roughly, a few rounds
of correcting each channel's energy come close. To the front end it is then the sound that was meant.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, rfft

from kws.evaluation.levels import Audio
from training.generator.energies import CONFIG, Floats, filters, floor, frames_of, window

ROUNDS = 24
_MOST_GAIN = 10.0
"""Of an amplitude in one round: a bin that happens to be empty shall not explode."""
_TINY = 1e-20

Spectra = npt.NDArray[np.complex64]


def sound_of(wanted: Floats, rng: np.random.Generator, *, rounds: int = ROUNDS) -> Audio:
    """Audio with these log energies (t, 40), its floor left out; float32, 160 (t - 1) + 480 samples."""
    energies = np.maximum(np.exp(wanted) - floor(), _TINY)
    amplitudes = _to_bins(np.sqrt(energies / np.square(window()).sum() / filters().sum(axis=0)))
    phases = np.exp(2j * np.pi * rng.random(amplitudes.shape, np.float32))
    audio = _overlapped((amplitudes * phases * np.sqrt(np.square(window()).sum())).astype(np.complex64))
    for _ in range(rounds):
        spectra = rfft(frames_of(audio) * window(), CONFIG.fft_size, axis=1)
        there = np.square(np.abs(spectra)) @ filters()
        gains = np.clip(np.sqrt(energies / (there + _TINY)), 1 / _MOST_GAIN, _MOST_GAIN)
        audio = _overlapped(spectra * _to_bins(gains))
    return audio


def _to_bins(channels: Floats) -> Floats:
    """Each bin between the channels that it belongs to, shape (t, 257); nothing below and above them."""
    weights = filters()
    shares = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-6)
    bins: Floats = (channels @ shares.T).astype(np.float32)
    return bins


def _overlapped(spectra: Spectra) -> Audio:
    """The signal whose windowed frames come closest to these spectra."""
    steps = CONFIG.window_samples // CONFIG.step_samples
    frames = irfft(spectra, CONFIG.fft_size, axis=1)[:, : CONFIG.window_samples] * window()
    pieces = frames.reshape(len(frames), steps, CONFIG.step_samples)
    weights = np.square(window()).reshape(steps, CONFIG.step_samples)
    total = np.zeros((len(frames) + steps - 1, CONFIG.step_samples), np.float32)
    scale = np.full_like(total, 1e-3)
    for step in range(steps):
        total[step : step + len(frames)] += pieces[:, step]
        scale[step : step + len(frames)] += weights[step]
    audio: Audio = (total / scale).reshape(-1)
    return audio
