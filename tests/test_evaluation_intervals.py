"""Exact confidence limits against scipy's, and the rule of three."""

import math

import pytest
from scipy.stats import binomtest, chi2

from kws.evaluation.intervals import (
    Proportion,
    Rate,
    poisson_interval,
    poisson_upper_bound,
    proportion_interval,
)

COUNTS = [(0, 1), (0, 66), (1, 66), (7, 66), (65, 66), (66, 66), (40, 3000)]


@pytest.mark.parametrize(("count", "total"), COUNTS)
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_clopper_pearson_equals_scipy(count, total, confidence):
    expected = binomtest(count, total).proportion_ci(confidence, method="exact")
    limits = proportion_interval(count, total, confidence)
    assert limits == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("count", [1, 2, 5, 30, 1000])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_poisson_limits_equal_the_chi_square_form(count, confidence):
    tail = (1 - confidence) / 2
    expected = chi2.ppf(tail, 2 * count) / 2, chi2.isf(tail, 2 * count + 2) / 2
    assert poisson_interval(count, confidence) == pytest.approx(expected, rel=1e-9)
    assert poisson_upper_bound(count, confidence) == pytest.approx(chi2.isf(2 * tail, 2 * count + 2) / 2)


def test_no_event_in_t_hours_shows_at_most_three_per_t():
    low, high = Rate(0, 6.0).interval
    assert low == 0
    assert high == pytest.approx(-math.log(0.05) / 6) == pytest.approx(Rate(0, 6.0).upper_bound)
    assert round(high * 6) == 3


def test_rates_scale_with_the_hours():
    assert Rate(3, 2.0).per_hour == 1.5
    assert Rate(3, 2.0).interval == pytest.approx([limit * 2 for limit in Rate(3, 4.0).interval])


def test_nothing_measured_supports_nothing():
    assert math.isnan(Proportion(0, 0).value)
    assert Proportion(0, 0).interval == (0, 1)
    assert Rate(0, 0.0).interval[1] == math.inf
