"""Wake words as users write them: tidied, refused where they cannot be said, and given files of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from kws.errors import KwsError
from training.naming import file_name
from training.words.phrase import doubts, tidied


@pytest.mark.parametrize(
    ("written", "phrase"),
    [
        ("  Hey,   Computer! ", "hey computer"),
        ("and/or", "and or"),
        ("what\N{RIGHT SINGLE QUOTATION MARK}s up?", "what's up"),
        ("wi-fi", "wi-fi"),
        ("'jarvis'", "jarvis"),
        ("Gru\N{COMBINING DIAERESIS}ß Gott", "grüß gott"),
    ],
)
def test_a_phrase_is_tidied(written: str, phrase: str) -> None:
    assert tidied(written) == phrase


@pytest.mark.parametrize("nothing", ["", "   ", "!!!", "- -", "___"])
def test_what_cannot_be_said_is_refused(nothing: str) -> None:
    with pytest.raises(KwsError, match="nothing in it can be said"):
        tidied(nothing)


@pytest.mark.parametrize(
    ("written", "told"),
    [("HAL 9000", 'as words, such as "hal nine thousand"$'), ("r2d2", "numbers as words$")],
)
def test_digits_are_asked_for_as_words(written: str, told: str) -> None:
    with pytest.raises(KwsError, match=told):
        tidied(written)


@pytest.mark.parametrize(
    ("phrase", "doubt"),
    [
        ("no", "'no' has 2 sounds"),
        ("computer", None),
        ("hey jarvis", None),
        ("hello my dear old house of cards", "only the end is heard"),
    ],
)
def test_phrases_too_short_and_too_long_are_told_of(phrase: str, doubt: str | None) -> None:
    told = list(doubts(phrase))
    assert len(told) == bool(doubt)
    assert all(str(doubt) in line for line in told)


@pytest.mark.parametrize(
    ("phrase", "name"),
    [
        ("hey computer", "hey_computer"),
        ("what's up", "what's_up"),
        ("grüß gott", "grüß_gott"),
        ("and/or", "and_or"),
        ("../secret", "secret"),
        ("!!!", "word"),
    ],
)
def test_files_stay_in_their_folder(phrase: str, name: str) -> None:
    assert file_name(phrase) == name
    assert (Path("out") / f"{name}.json").parent == Path("out")
