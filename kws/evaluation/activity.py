"""Where in a clip somebody speaks, by energy: labels and hit windows need the word's own start and end."""

from __future__ import annotations

import numpy as np

from kws.types import SAMPLE_RATE, Samples

FRAME = SAMPLE_RATE // 100
"""Samples of one energy frame, 10 ms."""

_BELOW_PEAK_DB = 25.0
_ABOVE_FLOOR_DB = 6.0
_BRIDGE_FRAMES = 25  # a stop consonant or a breath inside a word


def speech_span(samples: Samples) -> tuple[int, int]:
    """First and last sample (exclusive) of the loudest utterance in a clip that holds one word or phrase.

    A frame is active within 25 dB of the loudest frame and 6 dB above the quietest tenth; the utterance
    is the run of active frames, pauses up to 0.25 s bridged, that holds the most energy. Silent clips give
    the whole clip.
    """
    frames = len(samples) // FRAME
    if frames < 3:
        return 0, len(samples)
    power = np.square(samples[: frames * FRAME].astype(np.float64)).reshape(frames, FRAME).mean(axis=1)
    power = np.convolve(power, np.ones(3) / 3, mode="same") + 1e-3
    level = 10 * np.log10(power)
    floor = max(level.max() - _BELOW_PEAK_DB, np.percentile(level, 10) + _ABOVE_FLOOR_DB)
    active = np.flatnonzero(level >= min(floor, level.max() - 3))
    runs = np.split(active, np.flatnonzero(np.diff(active) > _BRIDGE_FRAMES) + 1)
    loudest = max(runs, key=lambda run: power[run].sum())
    return int(loudest[0]) * FRAME, (int(loudest[-1]) + 1) * FRAME
