"""Phrases found by their spelling, against trying every stretch of the audio."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pocketsphinx")

from spoken import random_steps, saying

from kws.grammar.compile import spell
from kws.recognition.ctc import best_alignment_score
from kws.recognition.spotter import Spotter, SpotterConfig
from kws.recognition.tokens import BLANK, PHONES

STEP = 0.03


def spotter(*phrases: str, **how: float) -> Spotter:
    spellings = {
        phrase: [sum((spell(word, PHONES, "")[0] for word in phrase.split()), ())] for phrase in phrases
    }
    return Spotter(spellings, STEP, SpotterConfig(**how))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 999), st.lists(st.integers(1, 3), min_size=1, max_size=3))
def test_the_score_is_that_of_the_best_stretch_that_ends_here(seed, spelling):
    log_probs = random_steps(seed, 9, 4)
    relative = log_probs - log_probs.max(axis=1, keepdims=True)
    track = Spotter({"x": [tuple(spelling)]}, STEP).scores(log_probs)[:, 0]
    for end in range(1, len(log_probs) + 1):
        best = max(_ending_in_a_token(relative[start:end], spelling) for start in range(end))
        assert track[end - 1] == pytest.approx(np.exp(best / len(spelling)), abs=1e-5)


def _ending_in_a_token(relative: np.ndarray, spelling: list[int]) -> float:
    """Best alignment that begins and ends with a token, not a blank."""
    tight = relative.copy()
    tight[[0, -1], BLANK] = -np.inf
    return best_alignment_score(tight, spelling)


def test_a_phrase_is_found_once_where_it_is_said():
    audio = np.concatenate([saying("please turn it off now"), saying("turn it on"), saying("turn it off")])
    first, second = spotter("turn it off").push(audio)
    assert (first.name, second.name) == ("turn it off", "turn it off")
    before = len(saying("please", pause=0)) + 5
    assert first.start == pytest.approx(before * STEP)
    assert first.end - first.start == pytest.approx((len(saying("turn it off", pause=0)) - 3) * STEP, abs=0.1)
    assert second.start > len(saying("please turn it off now")) * STEP
    assert 0.3 < first.score <= 1


def test_other_words_are_not_found():
    assert spotter("computer").push(saying("banana music composer")) == []
    assert spotter("stop").push(saying("top of the spot")) == []


def test_several_phrases_at_once_and_the_refractory_time():
    audio = saying("stop go stop", pause=2)
    names = [found.name for found in spotter("stop", "go", refractory=0.2).push(audio)]
    assert names == ["stop", "go", "stop"]
    assert [found.name for found in spotter("stop", "go", refractory=9).push(audio)] == ["stop", "go"]


def test_a_higher_threshold_finds_less():
    audio = saying("stop", sure=0.3) + np.random.default_rng(0).normal(size=saying("stop").shape) * 0.8
    counts = [len(spotter("stop", threshold=t).push(audio)) for t in (0.05, 0.3, 0.99)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 60), max_size=6))
def test_any_split_gives_the_same_detections_and_reset_is_new(cuts):
    audio = saying("go stop go stop")
    whole = spotter("stop", "go", refractory=0.2)
    expected = whole.push(audio) + whole.flush()
    pieces = spotter("stop", "go", refractory=0.2)
    for _ in range(2):
        found = [found for piece in np.split(audio, sorted(cuts)) for found in pieces.push(piece)]
        assert found + pieces.flush() == expected
    assert len(expected) == 4


def test_a_phrase_may_have_a_threshold_of_its_own():
    ways = {word: [spell(word, PHONES, "")[0]] for word in ("stop", "go")}
    made = Spotter(ways, STEP, SpotterConfig(0.2), {"go": 1.1})
    assert [(found.name, found.threshold) for found in made.push(saying("go stop go"))] == [("stop", 0.2)]


def test_what_is_said_to_the_last_step_is_found_at_the_end():
    audio = saying("stop", pause=0)[:-3]  # ends within the last phone
    made = spotter("stop")
    assert [found.name for found in made.push(audio) + made.flush()] == ["stop"]
