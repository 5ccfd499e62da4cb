"""Calibration rows, and the threshold chosen from them with what the hours support."""

import json

import numpy as np
import pytest

from kws.errors import KwsError
from kws.evaluation import CalibrationRow, Proportion, Rate, calibrate, det_curve, threshold_for
from kws.evaluation.calibration import calibration_thresholds
from kws.scoring import ScoreTrack


def row(threshold, false_alarms, hours=6.0):
    return CalibrationRow(
        threshold, Proportion(1, 66), Proportion(5, 66), Rate(false_alarms, hours)
    ).to_json()


TABLE = [row(0.9, 0), row(0.5, 1), row(0.3, 4), row(0.2, 3), row(0.1, 30)]


def test_rows_survive_json():
    original = CalibrationRow(0.41, Proportion(2, 66), Proportion(9, 66), Rate(3, 4.25))
    assert CalibrationRow.from_json(json.loads(json.dumps(original.to_json()))) == original


def test_the_upper_bound_says_what_the_hours_support():
    choice = threshold_for(TABLE, 3)
    assert choice.threshold == 0.9
    assert str(choice) == "0 in 6.0 h: at most 12 a day with 95 % confidence"
    assert not choice.supports(11.9)
    assert choice.supports(12)


def test_the_lowest_threshold_within_the_estimate_is_chosen():
    assert threshold_for(TABLE, 4).threshold == 0.5
    assert threshold_for(TABLE, 4).per_day == 4


def test_a_lower_threshold_with_fewer_alarms_by_chance_is_not_preferred():
    """Row 0.2 has 3, but 0.3 above it has 4: 12 a day must stop before both."""
    assert threshold_for(TABLE, 12).threshold == 0.5


def test_strict_takes_a_higher_threshold_when_that_one_is_supported():
    assert threshold_for(TABLE, 16).threshold == 0.2
    assert threshold_for(TABLE, 16, strict=True).threshold == 0.9


def test_strict_refuses_what_the_hours_do_not_support():
    with pytest.raises(KwsError, match=r"0 in 6\.0 h: at most 12 a day .* threshold 0\.5"):
        threshold_for(TABLE, 5, strict=True)


def test_no_row_within_the_maximum_is_refused():
    with pytest.raises(KwsError, match="allow more"):
        threshold_for(TABLE[-1:], 1)


def test_no_table_is_refused():
    with pytest.raises(KwsError, match="no calibration table"):
        threshold_for([], 5)


def test_a_row_without_its_counts_is_refused():
    with pytest.raises(KwsError, match="false_alarms"):
        threshold_for([{k: v for k, v in TABLE[0].items() if k != "false_alarms"}], 5)


def test_calibration_counts_what_the_track_holds():
    rng = np.random.default_rng(2)
    negative = ScoreTrack(np.arange(50_000) * 0.5, rng.beta(0.3, 3, 50_000).astype(np.float32))
    clean, noisy = rng.random(50).astype(np.float32), (rng.random(50) / 2).astype(np.float32)
    curve = det_curve(clean, negative, 7.0)
    rows = calibrate(calibration_thresholds(curve), clean, noisy, negative, 7.0)
    assert [r.threshold for r in rows] == sorted({r.threshold for r in rows})
    assert min(r.false_alarms.count for r in rows) == 0
    assert {1, 2, 5, 20} <= {r.false_alarms.count for r in rows}
    for r in rows:
        assert r.misses.count == np.count_nonzero(clean < np.float32(r.threshold))
        assert r.noisy_misses.count >= r.misses.count
