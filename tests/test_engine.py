"""The composition: shared front end, times, gaps, order of events, independence."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import community
import numpy as np
import pytest
from signals import noise
from tiny_tflite import ROWS, Tensor, tiny_model

from kws.bundle import find_bundle, write_bundle
from kws.engine import SPLICE_SECONDS, Engine, WakeWord
from kws.errors import BundleError
from kws.events import Detection, Gap
from kws.frontend import Frontend
from kws.loading import load
from kws.selftest import RECORDINGS
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Block, Samples

ALWAYS = 255
"""Output of a model that hears its word in everything."""


@pytest.fixture(scope="module")
def speech() -> Samples:
    """Three words called one after the other; the last, at 5.54 s, is "alexa"."""
    return read_samples(RECORDINGS / "calls.flac")


BEFORE_ALEXA = 5 * SAMPLE_RATE


@pytest.fixture
def constant(tmp_path):
    """constant(name, value, stride, labels, ...) -> a wake word whose model always answers `value`."""

    def constant(name="word", value=ALWAYS, stride=3, labels=("word",), **ours) -> WakeWord:
        rows = dataclasses.replace(ROWS, shape=(1, stride, 40))
        scores = Tensor("uint8", (1, len(labels)), 1 / 256)
        manifest = {
            "type": "micro",
            "version": 2,
            "wake_word": name,
            "micro": {"probability_cutoff": 0.5, "feature_step_size": 10, "sliding_window_size": 1},
            "kws": {"labels": list(labels), "refractory_seconds": 0, "warmup_rows": 0, **ours},
        }
        path = write_bundle(Path(tmp_path), name, tiny_model([rows], [scores], value), manifest)
        return WakeWord(find_bundle(path))

    return constant


def community_engine(*names: str, threshold: float | None = None) -> Engine:
    return load(*(community.manifest(name) for name in names), threshold=threshold)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE), np.int16)


# Times


def test_the_word_is_heard_where_it_was_said(speech):
    (event,) = community_engine("alexa").push(Block(speech, source="calls.flac"))
    assert (event.name, event.threshold, event.source) == ("alexa", 0.9, "calls.flac")
    assert event.score >= event.threshold
    assert 5.54 < event.end < 6.06 + 0.5
    assert abs(event.start - 5.54) < 0.5


@pytest.mark.parametrize("stride", [1, 2, 3, 7])
def test_end_is_the_audio_heard_when_the_event_comes(constant, stride):
    """One sample at a time, the event comes with the very sample that its `end` names."""
    word = constant(stride=stride, warmup_rows=stride * 4)
    engine, heard = Engine([word]), []
    for position in range(1, SAMPLE_RATE):
        heard += [(position, event) for event in engine.push(Block(np.zeros(1, np.int16)))]
    ((position, event),) = heard
    assert position == round(event.end * SAMPLE_RATE) == word.step_end(4)


def test_start_is_estimated_and_never_before_the_stream(constant):
    (event,) = Engine([constant(word_seconds=0.2)]).push(Block(silence(1)))
    assert (event.start, event.end) == (0.0, 0.05)
    (event,) = Engine([constant(word_seconds=0.2, warmup_rows=60)]).push(Block(silence(1)))
    assert event.start == pytest.approx(event.end - 0.2)


# Lost audio


def test_a_short_gap_is_spliced_and_later_times_move_on(speech):
    engine, lost = community_engine("alexa"), 0.3
    (whole,) = community_engine("alexa").push(Block(speech))
    assert engine.push(Block(speech[:BEFORE_ALEXA])) == []
    (event,) = engine.push(Block(speech[BEFORE_ALEXA:], start=BEFORE_ALEXA + round(lost * SAMPLE_RATE)))
    assert (event.score, event.end) == (whole.score, pytest.approx(whole.end + lost))


def test_after_a_long_gap_all_starts_anew_at_the_new_time(speech):
    engine, start = community_engine("alexa", threshold=0.2), 100 * SAMPLE_RATE
    engine.push(Block(speech[:BEFORE_ALEXA]))
    heard = engine.push(Block(speech[BEFORE_ALEXA:], start=start))
    alone = community_engine("alexa", threshold=0.2).push(Block(speech[BEFORE_ALEXA:]))
    assert [event.score for event in heard] == [event.score for event in alone] != []
    assert [event.end for event in heard] == [pytest.approx(100 + event.end) for event in alone]
    assert all(event.start >= 100 for event in heard)


def spliced(constant, lost: int) -> bool:
    """Whether a word that never stops is heard but once over a gap of `lost` samples."""
    engine = Engine([constant()])
    first = engine.push(Block(silence(1)))
    second = engine.push(Block(silence(1), start=SAMPLE_RATE + lost))
    assert len(first) == 1
    return second == []


def test_the_longest_gap_that_is_spliced(constant):
    longest = round(SPLICE_SECONDS * SAMPLE_RATE)
    assert spliced(constant, 0)
    assert spliced(constant, 1)
    assert spliced(constant, longest)
    assert not spliced(constant, longest + 1)


def test_after_a_gap_the_stream_goes_on_without_another(constant):
    engine, gap = Engine([constant()]), 2 * SAMPLE_RATE
    engine.push(Block(silence(1)))
    assert len(engine.push(Block(silence(1), start=SAMPLE_RATE + gap))) == 1
    assert engine.push(Block(silence(1), start=2 * SAMPLE_RATE + gap)) == []


def test_a_stream_that_jumps_back_starts_anew(constant):
    assert not spliced(constant, -1)
    assert not spliced(constant, -SAMPLE_RATE)


def test_a_stream_may_begin_anywhere(constant):
    (event,) = Engine([constant()]).push(Block(silence(1), start=3_600 * SAMPLE_RATE))
    assert (event.start, event.end) == (3_600.0, pytest.approx(3_600.05))


def test_blocks_that_name_their_place_are_as_those_that_do_not(speech):
    plain, placed = community_engine("alexa"), community_engine("alexa")
    heard = []
    for start in range(0, len(speech), 1_000):
        block = Block(speech[start : start + 1_000])
        heard.append((plain.push(block), placed.push(dataclasses.replace(block, start=start))))
    assert all(one == other for one, other in heard)
    assert sum(len(one) for one, _ in heard) == 1


# Order and company


def test_what_the_source_reports_comes_first(constant):
    gaps = (Gap(0.0, 0.1, "overflow", "mic"), Gap(0.2, 0.3, "overflow", "mic"))
    first, second, third = Engine([constant()]).push(Block(silence(1), "mic", events=gaps))
    assert (first, second) == gaps
    assert isinstance(third, Detection)


def test_a_block_without_audio_hands_on_its_events(constant):
    gap = Gap(1.0, 2.0, "device lost")
    assert Engine([constant()]).push(Block(silence(0), events=(gap,))) == [gap]


NAMES = ("alexa", "hey_jarvis", "okay_nabu")


def test_models_together_hear_what_each_hears_alone(speech):
    """At a low threshold, so that more than one says something."""
    together = community_engine(*NAMES, threshold=0.02).push(Block(speech))
    alone = [event for name in NAMES for event in community_engine(name, threshold=0.02).push(Block(speech))]
    assert together == sorted(alone, key=lambda event: event.end)
    assert {event.name for event in together} == {"alexa", "okay_nabu"}


def test_events_of_a_block_are_ordered_by_time(constant):
    late, early = constant("late", warmup_rows=30), constant("early", warmup_rows=3)
    heard = Engine([late, early]).push(Block(silence(1)))
    assert [event.end for event in heard] == sorted(event.end for event in heard)
    assert len(heard) == 2


def test_every_label_has_a_detector_of_its_own(constant):
    heard = Engine([constant(labels=("lights on", "lights off"))]).push(Block(silence(1)))
    assert [(event.name, event.end) for event in heard] == [("lights on", 0.05), ("lights off", 0.05)]


def test_two_engines_do_not_disturb_each_other(speech):
    one, other = community_engine("alexa"), community_engine("alexa")
    heard: list[list] = [[], []]
    disturbing = noise(5_000)
    for start in range(0, len(speech), 1_600):
        heard[0] += one.push(Block(speech[start : start + 1_600]))
        heard[1] += other.push(Block(disturbing[start % 32_000 :][:1_600]))
    assert heard[0] == community_engine("alexa").push(Block(speech))
    assert heard[1] == []


def test_scores_are_what_the_detector_compares(speech):
    word = community_engine("alexa").wake_words[0]
    scores = word.scores(Frontend().push(speech))
    (event,) = community_engine("alexa").push(Block(speech))
    step = int(np.argmax(scores[:, 0] >= np.float32(event.threshold)))
    assert (event.score, event.end) == (scores[step, 0], word.step_end(step) / SAMPLE_RATE)


# Life and refusals


def test_after_flush_a_new_stream_begins_at_zero(constant):
    engine = Engine([constant()])
    first = engine.push(Block(silence(1)))
    assert engine.flush() == []
    assert engine.push(Block(silence(1))) == first


@pytest.mark.parametrize("dtype", ["float32", "int32", "uint8"])
def test_audio_that_is_not_int16_is_refused(constant, dtype):
    with pytest.raises(ValueError, match=f"must be int16, shape .n,., not {dtype}"):
        Engine([constant()]).push(Block(np.zeros(160, dtype)))


@pytest.mark.parametrize("threshold", [-0.01, 1.01, float("nan")])
def test_a_threshold_that_no_score_can_have_is_refused(threshold):
    with pytest.raises(ValueError, match="allowed are 0 to 1"):
        community_engine("alexa", threshold=threshold)


@pytest.mark.parametrize("threshold", [0.0, 0.37, 1.0])
def test_a_threshold_given_stands_instead_of_the_models_own(threshold):
    engine = community_engine("alexa", "hey_jarvis", threshold=threshold)
    assert {d.config.threshold for word in engine.wake_words for d in word.detectors} == {threshold}


def test_load_wants_a_model():
    with pytest.raises(ValueError, match="name at least one model"):
        load()


def test_load_says_which_model_is_missing():
    with pytest.raises(BundleError, match="no_such_model: no such model"):
        load(community.manifest("alexa"), "no_such_model")
