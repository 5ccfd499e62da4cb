"""The comparison of a long-running engine with fresh ones, and a small run of it on real recordings."""

import numpy as np
import pytest
from community import manifest

import kws
from kws.evaluation import Matched
from kws.evaluation.streams import Layout, Segment
from kws.events import Detection
from kws.types import SAMPLE_RATE
from training.accuracy.dev_recordings import speech_without
from training.accuracy.streams import is_word
from training.data.manifest import Clip
from training.drift import Comparison, Hour, compare_with_fresh, detections, heard_in, hours_of, sprinkled


def clip(name, seconds=2.0):
    return Clip(name, "c", "dev", "sentence", "", "s", seconds, "ship")


def test_a_stretch_holds_all_words_among_as_much_speech_as_fills_the_time():
    words, speech = [clip(f"w{n}") for n in range(7)], iter([clip(f"s{n}") for n in range(1000)])
    stretch = sprinkled(words, speech, 300, np.random.default_rng(3))
    assert sorted(c.path for c in stretch if c in words) == sorted(c.path for c in words)
    assert len(stretch) == 100  # 2 s each and 1 s of gap on average


def hour(missed, alarms, words=66, hours=1.0):
    heard = tuple(index >= missed for index in range(words))
    return Hour(Matched(heard, (), tuple(10.0 * n for n in range(alarms))), hours)


@pytest.mark.parametrize(
    ("first", "second", "holds"),
    [
        (hour(2, 1), hour(2, 1), True),
        (hour(2, 1), hour(6, 4), True),
        (hour(2, 1), hour(10, 1), False),
        (hour(20, 1), hour(2, 1), False),
        (hour(2, 0), hour(2, 3), False),
        (hour(2, 0), hour(2, 2), True),
        (hour(2, 3), hour(2, 3, hours=0.2), False),
    ],
)
def test_the_second_hour_must_lie_within_the_first_ones_intervals(first, second, holds):
    assert first.holds(second) is holds


def detection(end):
    return Detection("w", 0.9, 0.5, end - 1, end)


class Scripted:
    """An engine that after a reset fires at given times of the stream."""

    def __init__(self, *ends):
        self.ends = ends

    def reset(self):
        pass

    def push(self, block):
        first, last = block.start / SAMPLE_RATE, (block.start + len(block.pcm)) / SAMPLE_RATE
        return [detection(end) for end in self.ends if first < end <= last]


def compared(long_running, fresh, positions=(0,)):
    samples = np.zeros(100 * SAMPLE_RATE, np.int16)
    events = [detection(end) for end in long_running]
    return compare_with_fresh(Scripted(*fresh), samples, events, [p * SAMPLE_RATE for p in positions], 30)


def test_the_same_events_agree():
    assert compared([5.0, 12.0, 25.0], [12.0, 25.0]) == Comparison(1, (0.0, 0.0), (), ())


def test_the_first_ten_seconds_are_not_judged():
    assert compared([5.0], [8.0]).agrees


@pytest.mark.parametrize(("long_running", "fresh"), [([12.0], []), ([], [12.0]), ([12.0], [12.3])])
def test_an_event_heard_by_one_alone_is_no_agreement(long_running, fresh):
    found = compared(long_running, fresh)
    assert not found.agrees
    assert found.only_long == tuple(long_running)
    assert found.only_fresh == tuple(fresh)


def test_a_shift_is_reported_but_agrees():
    found = compared([12.0], [12.03])
    assert found.agrees
    assert found.shifts == pytest.approx((0.03,))


def test_an_event_at_the_edge_may_have_its_partner_outside():
    assert compared([10.01], [9.98]).agrees
    assert compared([30.01], [29.98]).agrees


def test_positions_add_up():
    assert compared([12.0, 52.0], [12.0], positions=(0, 40)) == Comparison(2, (0.0,), (52.0,), ())


def test_events_belong_to_the_stretch_in_which_they_fall():
    spans = ((100.0, 110.0), (111.0, 120.0))
    layout = Layout(tuple(Segment(start, end, "c", "sentence", "file") for start, end in spans))
    heard = heard_in([detection(end) for end in (99.0, 105.0, 120.3, 130.0)], layout)
    assert heard.matched.false_alarms == (105.0, 120.3)


@pytest.mark.recordings
def test_real_speech_leaves_no_trace_in_a_state(clips):
    """Two stretches of 90 s with fifteen words each and fresh engines every 15 s; make verify does hours."""
    dev = [c for c in clips if c.split == "dev"]
    words = [c for c in dev if is_word(c, "alexa")][:15]
    stream, layouts = hours_of(words, speech_without(dev, "alexa"), "alexa", seconds=90)
    engine = kws.load(manifest("alexa"), confirm="none")
    events = detections(engine, stream.samples)
    first, second = (heard_in(events, layout) for layout in layouts)
    assert first.matched.misses.value < 0.5
    assert first.holds(second)
    positions = range(0, len(stream.samples) - 25 * SAMPLE_RATE, 15 * SAMPLE_RATE)
    found = compare_with_fresh(engine, stream.samples, events, positions, 25)
    assert found.agrees
    assert len(found.shifts) > 10
