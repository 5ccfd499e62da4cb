"""Hits, false alarms and the trade-off between them, on score tracks whose answer is plain to see."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kws.detector import Detector, DetectorConfig
from kws.evaluation import (
    Occurrence,
    best_scores,
    det_curve,
    false_alarm_times,
    latencies,
    match_detections,
    misses,
    operating_point,
)
from kws.events import Detection
from kws.scoring import ScoreTrack

STEP = 0.03


def track_of(peaks, seconds=60.0, width=3):
    """Zero but for `width` steps from each time on, at the score given with it."""
    time = np.arange(1, round(seconds / STEP) + 1) * STEP
    score = np.zeros(len(time), np.float32)
    for at, value in peaks.items():
        first = int(np.searchsorted(time, at - 1e-9))
        score[first : first + width] = value
    return ScoreTrack(time, score)


@pytest.mark.parametrize(
    ("at", "heard"),
    [(9.8, False), (10.02, True), (10.5, True), (11.22, True), (11.28, False)],
)
def test_a_word_is_heard_from_its_start_to_075_s_past_its_end(at, heard):
    word = Occurrence(10.0, 10.49)
    track = track_of({at: 0.9}, width=1)
    assert (misses(best_scores(track, [word]), 0.9).count == 0) is heard
    assert (false_alarm_times(track, 0.9, [word]) == []) is heard
    assert (len(latencies(track, [word], 0.9)) == 1) is heard


def test_a_score_just_under_the_threshold_is_a_miss():
    track = track_of({10.2: 0.899})
    assert misses(best_scores(track, [Occurrence(10.0, 10.5)]), 0.9).count == 1


def test_a_word_past_the_end_of_the_track_is_a_miss():
    best = best_scores(track_of({1.0: 0.9}), [Occurrence(70.0, 70.5)])
    assert misses(best, 0.0).count == 1


def test_false_alarms_count_once_in_two_seconds_from_the_last_one_counted():
    track = track_of({5.0: 0.9, 6.2: 0.9, 7.2: 0.9, 8.0: 0.9, 30.0: 0.9})
    assert false_alarm_times(track, 0.5) == pytest.approx([5.01, 7.2, 30.0], abs=STEP)


def test_a_score_that_sticks_is_one_false_alarm():
    assert len(false_alarm_times(track_of({5.0: 0.9}, width=500), 0.5)) == 1


def test_a_score_that_rose_at_a_word_and_stays_high_is_no_false_alarm():
    word = Occurrence(10.0, 10.5)
    assert false_alarm_times(track_of({10.4: 0.9}, width=100), 0.5, [word]) == []


def test_latency_is_the_first_step_at_the_threshold_less_the_words_end():
    track = track_of({10.2: 0.4, 10.71: 0.9})
    assert latencies(track, [Occurrence(10.0, 10.5)], 0.3) == pytest.approx([-0.3])
    assert latencies(track, [Occurrence(10.0, 10.5)], 0.9) == pytest.approx([0.21])


scores = st.lists(st.integers(0, 40).map(lambda n: n / 40), min_size=1, max_size=120)


@settings(deadline=None)
@given(scores, st.lists(st.floats(0, 100), max_size=3), st.lists(st.integers(0, 40), min_size=1, max_size=9))
def test_every_point_of_the_curve_is_what_counting_at_its_threshold_gives(values, starts, bests):
    track = ScoreTrack(np.arange(len(values)) * 0.9, np.array(values, np.float32))
    words = [Occurrence(start, start + 0.5) for start in sorted(starts)]
    best = np.array(bests, np.float32) / 40
    curve = det_curve(best, track, 1.0, occurrences=words, max_per_hour=1e9)
    for point in curve:
        assert point.misses == misses(best, point.threshold)
        assert point.false_alarms.count == len(false_alarm_times(track, point.threshold, words))
    assert curve[0].false_alarms.count == 0


@settings(deadline=None)
@given(scores, st.integers(0, 12))
def test_the_operating_point_is_the_lowest_threshold_that_keeps_the_rate(values, allowed):
    """Against trying every multiple of 0.005 from the top; the scores are multiples of 0.025."""
    track = ScoreTrack(np.arange(len(values)) * 3.0, np.array(values, np.float32))
    point = operating_point(det_curve(np.zeros(0, np.float32), track, 2.0, max_per_hour=1e9), allowed / 2)
    tried = itertools.takewhile(
        lambda t: len(false_alarm_times(track, t)) <= allowed, (n / 200 for n in range(201, 0, -1))
    )
    assert point.false_alarms.count <= allowed
    assert false_alarm_times(track, point.threshold) == false_alarm_times(track, min(tried))


def test_the_curve_goes_on_with_other_occurrences():
    negative = track_of({5.0: 0.6, 20.0: 0.4})
    clean, noisy = np.array([0.9, 0.5], np.float32), np.array([0.3, 0.2, 0.7], np.float32)
    point = operating_point(det_curve(clean, negative, 1.0).against(noisy), 1.0)
    assert (point.misses.count, point.misses.total) == (2, 3)
    assert point.false_alarms.count == 1


def test_the_curve_ends_at_the_rate_asked_for():
    busy = track_of({float(at): 0.5 + at / 200 for at in range(3, 57, 3)})
    curve = det_curve(np.array([0.9], np.float32), busy, 1.0, max_per_hour=5)
    assert curve.false_alarms.max() == 5


def detections_of(outputs, threshold):
    """Candidates of a detector on uint8 outputs, as events, and the track it compared."""
    config = DetectorConfig(threshold=threshold, window=3)
    time = np.arange(1, len(outputs) + 1) * STEP
    candidates = Detector(config).push(outputs)
    events = [Detection("word", c.score, threshold, 0.0, float(time[c.step])) for c in candidates]
    return events, ScoreTrack(time, Detector(config).smooth(outputs))


def test_track_and_detections_agree_where_the_refractory_time_does_not_matter():
    """Random bursts, at least 3 s apart, of random heights; words at every other one."""
    rng = np.random.default_rng(4)
    outputs = np.zeros(20_000, np.uint8)
    bursts = np.cumsum(rng.integers(100, 200, 120))
    for first in bursts:
        outputs[first : first + 6] = rng.integers(0, 256)
    words = [Occurrence(at * STEP - 0.3, at * STEP + 0.2) for at in bursts[::2]]
    for threshold in (0.2, 0.5, 0.8):
        events, track = detections_of(outputs, threshold)
        matched = match_detections(events, words)
        assert matched.misses == misses(best_scores(track, words), threshold)
        assert matched.misses.count not in (0, len(words))
        assert list(matched.false_alarms) == false_alarm_times(track, threshold, words)
        assert len(matched.false_alarms) >= 10
        assert matched.latencies == pytest.approx(latencies(track, words, threshold).tolist())


def test_a_second_detection_of_one_word_is_neither_hit_nor_false_alarm():
    events = [Detection("word", 0.9, 0.5, 0.0, end) for end in (10.4, 10.9, 15.0)]
    matched = match_detections(events, [Occurrence(10.0, 10.5), Occurrence(20.0, 20.5)])
    assert matched.heard == (True, False)
    assert matched.latencies == pytest.approx([-0.1])
    assert matched.false_alarms == (15.0,)
