"""How well a word was heard."""

from __future__ import annotations

import numpy as np
import pytest
from signals import clipped, noise, tone

from kws.events import Detection
from kws.loudness import Loudness, noise_floor
from kws.tally import SILENCE_DB
from kws.types import SAMPLE_RATE, Block


def test_a_word_above_the_noise() -> None:
    """A tone of -23 dB for one second in noise of -50 dB."""
    room = noise(10 ** (-50 / 20) * 32_768).astype(float)
    room[SAMPLE_RATE : 2 * SAMPLE_RATE] += tone(1_000, amplitude=3_276.7)[:SAMPLE_RATE]
    loudness = Loudness()
    for start in range(0, len(room), 640):
        loudness.tap(Block(clipped(room[start : start + 640]), start=start))
    heard = loudness.of(Detection("word", 0.9, 0.5, start=1.0, end=2.0))
    assert heard["level"] == pytest.approx(-23.0, abs=0.1)
    assert heard["snr"] == pytest.approx(27.0, abs=1.0)


def test_nothing_was_heard() -> None:
    assert Loudness().of(Detection("word", 0.9, 0.5, start=1.0, end=2.0)) == {"level": SILENCE_DB, "snr": 0.0}
    assert noise_floor(np.empty(0, np.int16)) == SILENCE_DB
