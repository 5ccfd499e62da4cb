"""Word errors by hand, and whose fault they are on searches that are known to fail."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("jiwer")

from spoken import random_steps

from kws.evaluation.transcripts import Scored, WordErrors, blame, grouped_errors, mistakes
from kws.recognition.ctc import likeliest_spelling, log_probability
from kws.recognition.prefix_beam import PrefixBeam, PrefixBeamConfig
from kws.recognition.scorer import AnyText


def test_errors_are_counted_by_kind():
    found = mistakes(["turn the light on", "stop", "go go"], ["turn a light", "please stop", "go go"])
    assert found.substitutions == {("the", "a"): 1}
    assert found.deletions == {"on": 1}
    assert found.insertions == {"please": 1}
    assert (found.errors, found.words) == (3, 7)
    assert found.rate == pytest.approx(3 / 7)
    assert found.table().splitlines() == [
        "    1 the -> a",
        "    1 on -> (nothing)",
        "    1 (nothing) -> please",
    ]


def test_nothing_written_is_all_deletions():
    found = mistakes(["one two", "three"], ["", ""])
    assert found.rate == 1
    assert found.deletions.total() == 3


def test_word_errors_of_like_speakers_are_certain_and_of_unlike_ones_are_not():
    alike = WordErrors("speakers", (5,) * 20, (10,) * 20)
    assert alike.value == 0.5
    assert alike.interval == (0.5, 0.5)
    unlike = WordErrors("speakers", (0, 10) * 10, (10,) * 20)
    low, high = unlike.interval
    deviation = 0.5 / math.sqrt(20)  # of a mean of twenty fair coins
    assert (low, high) == pytest.approx((0.5 - 1.96 * deviation, 0.5 + 1.96 * deviation), abs=0.051)
    assert unlike.interval == (low, high)
    assert str(alike) == "50.0 % (50.0 to 50.0), 100 of 200 words, 20 speakers"


def test_word_errors_of_nothing_are_unknown():
    nothing = WordErrors("clips", (), ())
    assert math.isnan(nothing.value)
    assert all(map(math.isnan, nothing.interval))


def test_errors_are_those_of_each_group():
    said, read = ["one two", "three", "four five six"], ["one", "three", "four two six seven"]
    assert grouped_errors("speakers", ["a", "b", "a"], said, read) == WordErrors("speakers", (3, 0), (5, 1))


def test_errors_of_the_same_words_are_compared_group_by_group():
    before, after = WordErrors("speakers", (5, 2), (10, 10)), WordErrors("speakers", (3, 3), (10, 10))
    assert after.fewer_than(before) == WordErrors("speakers", (2, -1), (10, 10))
    assert after.fewer_than(before).percent == "5.0 (-10.0 to 20.0)"
    with pytest.raises(ValueError, match="words of 2 and 1 speakers differ"):
        after.fewer_than(WordErrors("speakers", (1,), (10,)))


def test_the_fault_is_the_searchs_where_the_reference_scores_higher():
    counted = blame(
        [
            Scored("a", "a", -1, -1),
            Scored("a", "b", -1, -2),
            Scored("a", "b", -2, -1),
            Scored("a", "b", -1, -1),
            Scored("zzyzx", "b", -math.inf, -1),
        ]
    )
    assert (counted.right, counted.search, counted.model, counted.lexicon) == (1, 1, 2, 1)
    assert counted.table().splitlines() == [
        "4 of 5 transcripts are wrong",
        "search         1   25.0 %",
        "model          2   50.0 %",
        "lexicon        1   25.0 %",
    ]


def test_what_was_found_and_rejected_is_the_thresholds_fault():
    counted = blame([Scored("a", "a", 0, 0, rejected=True), Scored("a", "b", -2, -1, rejected=True)])
    assert (counted.right, counted.model, counted.threshold) == (0, 1, 1)
    assert counted.table().splitlines()[-1] == "threshold      1   50.0 %"


def test_where_nothing_was_heard_nothing_was_searched():
    counted = blame([Scored("a", "", 0, 0, unheard=True), Scored("a", "a", 0, 0)])
    assert (counted.right, counted.search, counted.silence) == (1, 0, 1)
    assert counted.table().splitlines()[-1] == "silence        1  100.0 %"


def test_a_beam_of_one_is_at_fault_where_a_wide_beam_does_better():
    """Where the reference is what a very wide beam finds, the narrow one is always to blame."""
    scored = []
    for seed in range(40):
        log_probs = random_steps(seed, 8, 4) / 2
        wide, narrow = (
            PrefixBeam(AnyText(), PrefixBeamConfig(beam, math.inf, math.inf)) for beam in (10**5, 1)
        )
        for beam in (wide, narrow):
            beam.push(log_probs)
        best, found = wide.finished()[0], narrow.finished()[0]
        scored.append(
            Scored(
                " ".join(map(str, best.tokens)),
                " ".join(map(str, found.tokens)),
                likeliest_spelling(log_probs, [best.tokens]),
                likeliest_spelling(log_probs, [found.tokens]),
            )
        )
        assert scored[-1].reference_score == pytest.approx(log_probability(log_probs, best.tokens))
    counted = blame(scored)
    assert counted.model == counted.lexicon == 0
    assert counted.search > 5
    assert counted.right > 5


def test_of_several_spellings_the_likeliest_counts():
    log_probs = random_steps(0, 6, 4)
    ways = [(1,), (2, 3), (3,)]
    assert likeliest_spelling(log_probs, ways) == max(log_probability(log_probs, way) for way in ways)
    assert likeliest_spelling(log_probs, []) == -math.inf
