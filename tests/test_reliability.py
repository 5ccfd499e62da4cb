"""Whether a confidence is true: bins, the calibration error, the plot."""

from __future__ import annotations

import math

import numpy as np
import pytest

from kws.evaluation.intervals import Proportion
from kws.evaluation.reliability import calibration_error, reliability, reliability_plot


def test_bins_hold_what_was_said_with_about_the_same_confidence() -> None:
    bins = reliability([0.02, 0.81, 0.89, 0.85, 1.0], [False, True, True, False, True])
    assert [one.right for one in bins] == [Proportion(0, 1), Proportion(2, 3), Proportion(1, 1)]
    assert [one.confidence for one in bins] == pytest.approx([0.02, 0.85, 1.0])


def test_a_true_confidence_has_a_small_error_and_a_boast_a_large_one() -> None:
    rng = np.random.default_rng(1)
    confidences = rng.uniform(size=20_000)
    right = rng.uniform(size=20_000) < confidences
    assert calibration_error(reliability(confidences, right)) < 0.02
    boasts = reliability(np.sqrt(confidences), right)
    assert calibration_error(boasts) == pytest.approx(2 / 3 - 1 / 2, abs=0.02)  # mean of sqrt(u) - u
    assert math.isnan(calibration_error([]))


def test_the_plot_has_a_point_for_every_bin_between_its_limits() -> None:
    bins = reliability([0.1, 0.5, 0.55, 0.95], [False, True, False, True])
    plot = reliability_plot(bins)
    lines = [line.split('"')[1].split() for line in plot.splitlines() if line.startswith("<polyline")]
    assert [len(line) for line in lines] == [2, len(bins), 2 * len(bins)]
    assert "4 transcripts" in plot
