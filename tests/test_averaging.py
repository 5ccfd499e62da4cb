"""The learning rate, the running average and the smoothed score of training.learning."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kws.detector import Detector, DetectorConfig
from training.learning.averaging import RunningAverage, warm_cosine
from training.learning.smoothing import smoothed


def test_rate_rises_over_a_twentieth_and_falls_to_a_hundredth():
    rate = warm_cosine(2e-3, 400)
    assert float(rate(0)) == pytest.approx(1e-4)
    assert float(rate(20)) == pytest.approx(2e-3)
    assert float(rate(210)) == pytest.approx(1e-3, rel=0.02)
    assert float(rate(400)) == pytest.approx(2e-5)


def test_average_forgets_the_first_steps_and_keeps_to_its_decay():
    variable = keras.Variable(np.float32([0.0]))
    average = RunningAverage([variable], 0.5)
    variable.assign([1.0])
    average.update()  # decay 1 / 10: the random beginning counts for little
    average.swap()
    np.testing.assert_allclose(variable.numpy(), [0.9])
    average.swap()
    np.testing.assert_allclose(variable.numpy(), [1.0])
    for _ in range(100):
        average.update()
    variable.assign([3.0])
    average.update()
    average.swap()
    np.testing.assert_allclose(variable.numpy(), [2.0], atol=1e-5)


def test_smoothed_is_the_detectors_score():
    outputs = np.random.default_rng(1).integers(256, size=50).astype(np.uint8)
    detector = Detector(
        DetectorConfig(window=5, threshold=0.5, refractory=10, warmup=0, output_scale=1 / 256)
    )
    np.testing.assert_allclose(smoothed(outputs / 256, 5), detector.smooth(outputs), atol=1e-6)
    assert smoothed(np.empty(0), 5).shape == (0,)
