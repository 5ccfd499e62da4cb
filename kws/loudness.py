"""How well a word was heard: its level, and how far that is above what is there when nobody speaks."""

from __future__ import annotations

import numpy as np

from kws.events import Detection
from kws.ring import RecentAudio
from kws.tally import SILENCE_DB, level_db
from kws.types import SAMPLE_RATE, Samples

REMEMBERED_SECONDS = 5.0
FRAME = SAMPLE_RATE // 50
"""Samples a level is taken over, 20 ms."""
FLOOR_QUANTILE = 0.1
"""Share of the time that lies below the noise floor."""


class Loudness:
    """A tap of the daemon; any thread may ask."""

    def __init__(self) -> None:
        self._recent = RecentAudio(REMEMBERED_SECONDS)
        self.tap = self._recent.push
        """Take a block of audio."""

    def of(self, detection: Detection) -> dict[str, float]:
        """`level` of the word, dB below full scale, and `snr`, dB above the last seconds' noise floor."""
        start, end = round(detection.start * SAMPLE_RATE), round(detection.end * SAMPLE_RATE)
        word = self._recent.cut(start, end)
        level = level_db(word) if len(word) else SILENCE_DB
        floor = noise_floor(self._recent.cut(0, self._recent.position))
        return {"level": round(level, 1), "snr": round(level - floor, 1)}


def noise_floor(samples: Samples) -> float:
    """The level of the quietest tenth of the frames, dB below full scale."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return (
        float(np.quantile([level_db(frame) for frame in frames], FLOOR_QUANTILE))
        if len(frames)
        else SILENCE_DB
    )
