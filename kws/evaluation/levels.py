"""Loudness of audio as floating point: float32, shape (n,), full scale 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kws.types import SAMPLE_RATE, Samples

Audio = npt.NDArray[np.float32]
"""Shape (samples,), full scale 1."""


def to_float(samples: Samples) -> Audio:
    """int16 -> float32 of full scale 1."""
    return samples.astype(np.float32) / np.float32(32768)


def to_int16(audio: Audio) -> Samples:
    """float32 -> int16; what exceeds full scale clips, as it would in a converter."""
    return np.clip(np.rint(audio * 32768), -32768, 32767).astype(np.int16)


def active_level(audio: Audio) -> float:
    """RMS in dB re full scale over the 20 ms frames within 25 dB of the loudest."""
    frame = SAMPLE_RATE // 50
    frames = max(1, len(audio) // frame)
    power = np.square(audio[: frames * frame]).reshape(frames, -1).mean(axis=1) + 1e-12
    return float(10 * np.log10(power[power > power.max() * 10**-2.5].mean()))


def to_level(audio: Audio, decibels: float) -> Audio:
    """Scaled so that its active level is `decibels` re full scale."""
    return audio * np.float32(10 ** ((decibels - active_level(audio)) / 20))
