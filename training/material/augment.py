"""What a microphone in a room does to a clean clip. Audio here is float32, shape (n,), full scale 1."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import soxr
from scipy.signal import fftconvolve, firwin2

from kws.evaluation.levels import Audio
from kws.types import SAMPLE_RATE

ROOMS = 120
"""Simulated rooms to draw from."""


def speed(audio: Audio, factor: float) -> Audio:
    """Faster (factor > 1) with pitch and formants raised alike: sounds like a smaller speaker."""
    return np.asarray(soxr.resample(audio, SAMPLE_RATE * factor, SAMPLE_RATE), np.float32)


def coloured(audio: Audio, rng: np.random.Generator, *, depth: float = 8.0) -> Audio:
    """Through a random smooth frequency response, up to `depth` dB up or down per octave-wide point."""
    corners = np.array([0, 100, 250, 500, 1000, 2000, 4000, 6000, 8000]) / 8000
    gains = 10 ** (rng.uniform(-depth, depth / 2, len(corners)) / 20)
    taps = firwin2(129, corners, gains).astype(np.float32)
    return fftconvolve(audio, taps, mode="same").astype(np.float32)


def narrow(audio: Audio) -> Audio:
    """With the band of a telephone: nothing above 4 kHz. As long as before, to the sample."""
    half = soxr.resample(audio, SAMPLE_RATE, SAMPLE_RATE // 2)
    back = np.asarray(soxr.resample(half, SAMPLE_RATE // 2, SAMPLE_RATE), np.float32)
    return np.pad(back, (0, max(0, len(audio) - len(back))))[: len(audio)]


def in_room(audio: Audio, rng: np.random.Generator) -> Audio:
    """Heard in a random simulated room, time-aligned with the dry sound, tail cut to the same length."""
    response = room_responses()[rng.integers(ROOMS)]
    return fftconvolve(audio, response)[: len(audio)].astype(np.float32)


@lru_cache(maxsize=1)
def room_responses(seed: int = 1) -> list[Audio]:
    """Impulse responses of shoebox rooms: image-source method (Allen and Berkley 1979), by pyroomacoustics.

    Reverberation times from 0.15 to 0.7 s, talker 0.3 to 5 m from the microphone; the direct sound comes
    first and has amplitude 1, so levels and word times stay as they were.
    """
    import pyroomacoustics as pra

    rng = np.random.default_rng(seed)
    responses = []
    while len(responses) < ROOMS:
        size = rng.uniform((2.5, 2.5, 2.3), (8, 7, 3.5))
        reverberation = rng.uniform(0.15, 0.7)
        try:
            absorption, order = pra.inverse_sabine(reverberation, size)
        except ValueError:  # this room cannot be that dry
            continue
        room = pra.ShoeBox(size, fs=SAMPLE_RATE, materials=pra.Material(absorption), max_order=min(order, 12))
        microphone = rng.uniform(0.3, size - 0.3)
        talker = np.clip(microphone + rng.normal(size=3) * rng.uniform(0.2, 2.5), 0.3, size - 0.3)
        room.add_source(talker)
        room.add_microphone(microphone)
        room.compute_rir()
        response = np.asarray(room.rir[0][0], np.float32)
        direct = int(np.argmax(np.abs(response)))
        responses.append(response[direct : direct + SAMPLE_RATE // 2] / response[direct])
    return responses
