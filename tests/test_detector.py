"""The detector against a slow, obvious version of itself, and each rule alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kws.detector import Candidate, Detector, DetectorConfig

PLAIN = DetectorConfig(threshold=0.5, window=1, refractory=0)
HALF = 128
"""The output that means 0.5."""


def fired(config: DetectorConfig, outputs: list[int]) -> list[int]:
    """Steps at which these outputs fire."""
    return [candidate.step for candidate in Detector(config).push(np.array(outputs, np.uint8))]


# The slow version


def slow_scores(config: DetectorConfig, outputs: list[int]) -> list[np.float32]:
    scores = []
    for step in range(len(outputs)):
        heard = [outputs[i] for i in range(step - config.window + 1, step + 1) if i >= config.warmup]
        scores.append(np.float32(sum(heard) * config.output_scale / config.window))
    return scores


def slow_candidates(config: DetectorConfig, outputs: list[int]) -> list[Candidate]:
    """Walk the track once; look back at every step."""
    scores, threshold = slow_scores(config, outputs), np.float32(config.threshold)
    found: list[Candidate] = []
    risen = 0
    for step, score in enumerate(scores):
        from_below = step == 0 or scores[step - 1] < threshold
        risen = step if from_below else risen
        rested = not found or step - found[-1].step >= (config.again or config.refractory)
        if score >= threshold and (from_below or config.again) and rested:
            found.append(Candidate(step, float(score), risen))
    return found


configs = st.builds(
    DetectorConfig,
    threshold=st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]) | st.floats(0, 1),
    window=st.integers(1, 12),
    refractory=st.integers(0, 20),
    warmup=st.integers(0, 20),
    output_scale=st.sampled_from([1 / 256, 1 / 255]),
    again=st.just(0) | st.integers(1, 6),
)
runs = st.lists(
    st.tuples(st.sampled_from([0, 64, 127, 128, 129, 255]) | st.integers(0, 255), st.integers(1, 9))
)
tracks = runs.map(lambda pairs: [value for value, count in pairs for _ in range(count)])


@settings(deadline=None)
@given(configs, tracks)
@example(DetectorConfig(0.5, window=3, refractory=4), [255] * 3 + [0] * 3 + [255] * 9)
def test_as_the_slow_version(config, outputs):
    pushed = np.array(outputs, np.uint8)
    scores, slow = Detector(config).smooth(pushed), slow_scores(config, outputs)
    np.testing.assert_allclose(scores, np.array(slow, np.float32), rtol=2**-23)
    if np.array_equal(scores, np.array(slow, np.float32)):  # a last bit beside the threshold decides
        assert Detector(config).push(pushed) == slow_candidates(config, outputs)


@settings(deadline=None)
@given(configs, tracks)
def test_the_score_track_is_what_push_compares(config, outputs):
    pushed = np.array(outputs, np.uint8)
    scores = Detector(config).smooth(pushed)
    for candidate in Detector(config).push(pushed):
        assert candidate.score == scores[candidate.step] >= np.float32(config.threshold)


@settings(deadline=None)
@given(configs, tracks)
def test_the_outputs_are_left_as_they_were(config, outputs):
    pushed = np.array(outputs, np.uint8)
    Detector(config).push(pushed)
    np.testing.assert_array_equal(pushed, outputs)


# Rule by rule


def test_it_fires_at_the_first_step_that_reaches_the_threshold():
    assert fired(PLAIN, [0, HALF - 1, HALF, 255]) == [2]


@pytest.mark.parametrize("window", [1, 5, 10])
def test_a_score_of_exactly_the_threshold_fires(window):
    """Thresholds are decimal, scores are sums: with one output per hundredth they meet exactly."""
    for percent in range(1, 101):
        config = DetectorConfig(percent / 100, window, refractory=0, output_scale=1 / 100)
        assert fired(config, [percent] * window) == [window - 1]
        assert fired(config, [percent] * (window - 1) + [percent - 1]) == []


def test_one_utterance_fires_once():
    assert fired(PLAIN, [0, 200, 210, 255, 255, 200, 0, 0]) == [1]


def test_a_score_that_sticks_fires_once():
    assert fired(replace(PLAIN, refractory=3), [255] * 1_000) == [0]


def test_it_is_armed_again_by_one_step_below():
    assert fired(PLAIN, [255, 255, HALF - 1, 255]) == [0, 3]


def test_it_stays_quiet_for_the_refractory_time():
    config = replace(PLAIN, refractory=4)
    assert fired(config, [255, 0, 255, 0, 255]) == [0, 4]
    assert fired(config, [255, 0, 255, 0, 0, 255]) == [0, 5]


def test_an_utterance_that_dips_and_outlasts_the_refractory_time_fires_once():
    """Seen with a synthetic voice: 1.1 s above the threshold, for 0.1 s just below it."""
    config = replace(PLAIN, refractory=6)
    assert fired(config, [255, 255, 100, 255, 255, 255, 255, 255, 255]) == [0]
    assert fired(config, [255, 255, 100, 255, 255, 255, 255, 100, 255]) == [0, 8]


def test_the_refractory_time_runs_from_the_detection_across_pushes():
    detector = Detector(replace(PLAIN, refractory=4))
    found = [detector.push(np.array([value], np.uint8)) for value in (255, 0, 255, 0, 255)]
    assert [len(candidates) for candidates in found] == [1, 0, 0, 0, 1]


def test_warm_up_outputs_count_as_nothing():
    config = replace(PLAIN, window=2, warmup=3)
    assert Detector(config).smooth(np.full(6, 128, np.uint8)).tolist() == [0, 0, 0, 0.25, 0.5, 0.5]


@pytest.mark.parametrize("first", range(7))
def test_warm_up_runs_across_pushes(first):
    detector = Detector(replace(PLAIN, warmup=3))
    scores = [detector.smooth(np.full(count, 255, np.uint8)) for count in (first, 6 - first)]
    assert (np.concatenate(scores) > 0).tolist() == [False, False, False, True, True, True]


def test_warm_up_begins_anew_with_reset():
    detector = Detector(replace(PLAIN, warmup=3))
    detector.push(np.full(10, 255, np.uint8))
    detector.reset()
    assert [c.step for c in detector.push(np.full(10, 255, np.uint8))] == [3]


def test_before_a_full_window_missing_outputs_count_as_nothing():
    """A new detector is as if silence had gone before, so it needs no state of its own for the start.

    pymicro-wakeword says 0 there instead; both stay below what a full window of the same outputs gives.
    """
    assert Detector(DetectorConfig(0.5, window=4)).smooth(np.full(5, 128, np.uint8)).tolist() == [
        0.125,
        0.25,
        0.375,
        0.5,
        0.5,
    ]


def test_a_whole_day_of_steps_keeps_its_sums_exact():
    """Sums are whole numbers: 3,000,000 steps later the score of a constant is still that constant."""
    detector = Detector(DetectorConfig(1.0, window=5))
    for _ in range(30):
        scores = detector.smooth(np.full(100_000, 255, np.uint8))
    assert set(scores.tolist()) == {np.float32(255 / 256).item()}


def test_scores_are_float32_of_one_dimension():
    scores = Detector(PLAIN).smooth(np.zeros(3, np.uint8))
    assert (scores.dtype, scores.shape) == (np.float32, (3,))
