"""The daemon's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from signals import tone

from kws.events import Detection, Gap
from kws.tally import SILENCE_DB, Histogram, Tally, level_db


@pytest.mark.parametrize(
    ("samples", "decibel"),
    [
        (np.full(100, -32768, np.int16), 0.0),
        (tone(1_000, amplitude=32_767), -3.01),
        (tone(1_000, amplitude=3_276.7), -23.01),
        (np.zeros(100, np.int16), SILENCE_DB),
    ],
)
def test_levels_are_in_decibel_below_full_scale(samples: np.ndarray, decibel: float) -> None:
    assert level_db(samples) == pytest.approx(decibel, abs=0.01)


def test_audio_is_counted() -> None:
    tally = Tally()
    tally.heard(np.zeros(8_000, np.int16))
    tally.heard(np.array([32767, -32768, -32767, 32766, 0], np.int16))
    tally.heard(np.empty(0, np.int16))
    assert tally.audio_seconds == pytest.approx(8_005 / 16_000)
    assert tally.clipped_samples == 3
    assert tally.level_db > -3


def test_events_are_counted_by_type_and_name() -> None:
    tally = Tally()
    for name in ("a", "b", "a"):
        tally.happened(Detection(name=name, score=1.0, threshold=0.5, start=0.0, end=1.0))
    tally.happened(Gap(start=1.0, end=3.5, reason="overflow"))
    assert tally.events == {"detection": 3, "gap": 1}
    assert tally.detections == {"a": 2, "b": 1}
    assert tally.lost_seconds == 2.5
    assert tally.gaps == {"overflow": 1}


def test_a_value_at_a_bound_belongs_below_it() -> None:
    histogram = Histogram([1, 2])
    for value in (0.5, 1, 1.5, 2, 3):
        histogram.add(value)
    assert histogram.counts == [2, 2, 1]
    assert histogram.sum == 8
