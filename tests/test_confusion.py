"""Distances between sounds behave as a listener's do, and near misses are near without being the phrase."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")

from hypothesis import given
from hypothesis import strategies as st

from training.words.confusion import LEAST_SHARE, PHONES, SAME, costs, distance, near_misses
from training.words.lexicon import Phones, dictionary, readings, words_of

PHRASES = ("computer", "alexa", "jarvis", "hey computer", "trick or treat", "yes")
some_phones = st.lists(st.sampled_from(PHONES), max_size=7).map(tuple)


def slow_distance(a: Phones, b: Phones) -> float:
    """By definition, without a table: the cheapest of three ways to begin."""
    replace, gap = costs()
    if not a or not b:
        return float(sum(gap[PHONES.index(phone)] for phone in a + b))
    x, y = PHONES.index(a[0]), PHONES.index(b[0])
    return min(
        float(replace[x, y]) + slow_distance(a[1:], b[1:]),
        float(gap[x]) + slow_distance(a[1:], b),
        float(gap[y]) + slow_distance(a, b[1:]),
    )


@given(some_phones.map(lambda p: p[:4]), some_phones.map(lambda p: p[:4]))
def test_the_table_computes_the_definition(a: Phones, b: Phones) -> None:
    assert distance(a, b) == pytest.approx(slow_distance(a, b), abs=1e-5)


@given(some_phones, some_phones, some_phones)
def test_it_is_a_distance(a: Phones, b: Phones, c: Phones) -> None:
    assert distance(a, a) == 0
    assert distance(a, b) == pytest.approx(distance(b, a), abs=1e-5)
    assert (distance(a, b) > 0) == (a != b)


def test_costs_are_symmetric_and_only_the_same_phone_is_free() -> None:
    replace, gap = costs()
    np.testing.assert_array_equal(replace, replace.T)
    np.testing.assert_array_equal(np.flatnonzero(replace == 0), np.arange(39) * 40)
    assert gap.min() > 0


@pytest.mark.parametrize(
    ("near", "far"),
    [
        (("P", "B"), ("P", "Z")),
        (("IY", "IH"), ("IY", "AA")),
        (("S", "Z"), ("S", "M")),
        (("N", "M"), ("N", "HH")),
        (("W", "UW"), ("T", "UW")),
    ],
)
def test_like_sounds_are_nearer(near: tuple[str, str], far: tuple[str, str]) -> None:
    assert distance(near[:1], near[1:]) < distance(far[:1], far[1:])


@pytest.fixture(scope="module", params=PHRASES)
def phrase(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.fixture(scope="module")
def found(phrase: str) -> list[str]:
    return near_misses(phrase, 24, least_share=0)


def test_near_misses_are_many_and_different(found: list[str]) -> None:
    assert len(found) == 24
    assert len({spoken for text in found for spoken in readings(text)[:1]}) == len(found)


def test_none_is_the_phrase_or_holds_it(phrase: str, found: list[str]) -> None:
    for text in found:
        assert "".join(words_of(phrase)) not in "".join(words_of(text))
        for ours in readings(text):
            for theirs in readings(phrase):
                assert f" {' '.join(theirs)} " not in f" {' '.join(ours)} "
                assert distance(ours, theirs) >= SAME


def test_they_are_nearer_than_chance(phrase: str, found: list[str]) -> None:
    target = readings(phrase)[0]
    apart = [min(distance(spoken, target) for spoken in readings(text)) for text in found]
    rng = np.random.default_rng(0)
    words = list(dictionary())
    chance = [
        distance(readings(words[n])[0], target)
        for n in rng.integers(len(words), size=400)
        if readings(words[n])
    ]
    assert max(apart) < np.percentile(chance, 5)


def test_single_words_and_pairs_are_both_there() -> None:
    found = near_misses("computer", least_share=0)
    assert {"commuter", "compute"} <= set(found)
    assert 8 <= sum(" " in text for text in found) <= 16


def test_a_phrase_comes_with_one_word_replaced() -> None:
    found = near_misses("trick or treat", least_share=0)
    assert any(text.endswith(" or treat") or text.startswith("trick or ") for text in found)


@pytest.mark.parametrize("phrase", ["computer", "alexa", "view glass", "hey computer"])
def test_by_default_none_is_so_near_that_refusing_it_refuses_the_phrase(phrase: str) -> None:
    longest = max(phrase.split(), key=len)
    target = readings(phrase)[0]
    found = near_misses(phrase)
    assert len(found) >= 20
    for text in found:
        for whole in (phrase, longest):
            apart = min(distance(ours, theirs) for ours in readings(text) for theirs in readings(whole))
            assert apart >= max(1.0, LEAST_SHARE * len(target))


@pytest.mark.debian("espeak-ng")
def test_words_in_no_dictionary_have_near_misses_too() -> None:
    assert len(near_misses("hadouken", 10)) == 10


def test_no_letters_no_near_misses() -> None:
    assert near_misses("...") == []
