"""Scores asked for afterwards are those that the detector compared."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kws.confirmed import together
from kws.detector import Detector, DetectorConfig
from kws.recent_scores import RecentScores

CONFIG = DetectorConfig(threshold=0.5, window=3)
OUTPUTS = np.random.default_rng(4).integers(0, 256, 200).astype(np.uint8)


@given(st.lists(st.integers(0, 200), max_size=20), st.integers(0, 9), st.integers(0, 5))
@settings(deadline=None)
def test_however_the_outputs_come_the_best_of_the_last_steps_is_told(
    cuts: list[int], back: int, warmup: int
) -> None:
    config = dataclasses.replace(CONFIG, warmup=warmup)
    scores = Detector(config).smooth(OUTPUTS)
    kept, heard = RecentScores(config, 10), 0
    for piece in np.split(OUTPUTS, sorted(cuts)):
        kept.extend(piece)
        heard += len(piece)
        first = max(0, heard - 1 - back)
        expected = scores[first:heard].max(initial=0)
        assert kept.best(first, heard - 1) == pytest.approx(expected, abs=1e-6)


def test_little_is_kept() -> None:
    kept = RecentScores(CONFIG, 10)
    for _ in range(100):
        kept.extend(OUTPUTS[:7])
    assert len(kept._outputs) <= 2 * 13 + 7
    kept.reset()
    assert kept.best(0, 0) == 0


def test_two_scores_become_one() -> None:
    assert together(0.7, 0.7, 0.5) == pytest.approx(0.7)
    assert together(0.5, 0.5, 2.0) == 0.5
    low, high = together(0.3, 0.9, 0.5), together(0.9, 0.3, 0.5)
    assert 0.3 < low < high < 0.9  # the first counts more
    assert together(0.3, 0.9, 1.0) == pytest.approx(together(0.9, 0.3, 1.0))
    assert 0 < together(0.0, 0.0, 1.0) < together(1.0, 1.0, 1.0) < 1  # nothing is certain
