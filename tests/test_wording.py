"""Figures, times and signs: what is said for what is written."""

from __future__ import annotations

from decimal import Decimal

import pytest

pytest.importorskip("unicode_rbnf")

from test_graph_beam import sentences

from kws.grammar.numbers import spoken, spoken_ordinal, written
from kws.grammar.times import spoken_time
from kws.grammar.wording import words_said


def ways(text: str) -> set[str]:
    """Every way to say a text, by the slow definition."""
    return {" ".join(words) for words in sentences(words_said(text), 1)}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Light 2, please!", {"light two please"}),
        ("Room 105", {"room one hundred five", "room one hundred and five"}),
        ("-5 °", {"minus five degrees"}),
        ("20%", {"twenty percent"}),
        ("2.5", {"two point five", "two and a half"}),
        ("the 21st", {"the twenty first"}),
        ("1/2 hour", {"half hour", "one half hour"}),
        ("salt & pepper", {"salt and pepper"}),
        ("what’s up?", {"what's up"}),
        ("wake-up – now", {"wake-up now"}),
        ("6 a.m.", {"six a.m."}),
        ("at 13:00", {f"at {way}" for way in spoken_time(13, 0)}),
        (" . ", {""}),
    ],
)
def test_what_is_said_for_what_is_written(written, said):
    assert ways(written) == said


def test_numbers_with_decimals():
    assert spoken(Decimal("-20.3")) == ("minus twenty point three",)
    assert spoken(Decimal("102.5")) == (
        "one hundred two point five",
        "one hundred and two point five",
        "one hundred two and a half",
        "one hundred and two and a half",
    )
    assert spoken(Decimal("3.0")) == ("three",)
    assert spoken_ordinal(121) == ("one hundred twenty first", "one hundred and twenty first")


def test_numbers_in_figures_have_no_exponent_and_no_idle_zeros():
    assert [written(number) for number in (100, 1234567, Decimal("89.250"), Decimal(0) * -1)] == [
        "100",
        "1234567",
        "89.25",
        "0",
    ]


def test_times_of_day():
    assert spoken_time(19, 30) == (
        "seven thirty",
        "seven thirty p.m.",
        "half past seven",
        "nineteen thirty",
    )
    assert set(spoken_time(7, 5)) >= {"seven oh five", "five past seven", "seven oh five a.m."}
    assert set(spoken_time(11, 45)) >= {"quarter to twelve", "a quarter to twelve", "eleven forty five"}
    assert set(spoken_time(0, 0)) >= {"midnight", "twelve a.m."}
    assert set(spoken_time(12, 0)) >= {"noon", "twelve p.m.", "twelve o'clock"}


def test_every_time_of_day_can_be_said_and_none_twice_the_same_way():
    for minute in range(24 * 60):
        found = spoken_time(*divmod(minute, 60))
        assert found
        assert len(found) == len(set(found))
