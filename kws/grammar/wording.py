"""Text as it is written -> the words that are said: figures, times, signs and punctuation."""

from __future__ import annotations

import re
from decimal import Decimal

from kws.grammar.expression import Choice, Expression, Sequence, Word
from kws.grammar.numbers import spoken, spoken_ordinal
from kws.grammar.times import spoken_time

SIGNS = {"%": " percent ", "°": " degrees ", "&": " and ", "+": " plus ", "’": "'"}

_PUNCTUATION = '.,;:!?¡¿…"“”„«»()[]{}-–—―/_'
"""Stands at the edges of words and is not said."""
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,6})?")
_ORDINAL = re.compile(r"([0-9]{1,15})(?:st|nd|rd|th)")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")

_FRACTIONS = {
    "1/2": ("half", "one half"),
    "1/4": ("quarter", "a quarter", "one quarter"),
    "3/4": ("three quarters",),
}


def words_said(text: str) -> Expression:
    """Text as the sequence of its words, in lower case; of figures any way to say them."""
    items = [_said(word) for word in in_letters(text).lower().split()]
    said = tuple(item for item in items if item is not None)
    return said[0] if len(said) == 1 else Sequence(said)


def in_letters(text: str) -> str:
    """With words in place of signs."""
    return "".join(SIGNS.get(character, character) for character in text)


def _said(word: str) -> Expression | None:
    if number := _NUMBER.fullmatch(word.rstrip(_PUNCTUATION)):
        return _one_of(spoken(Decimal(number[0])))
    word = _without_punctuation(word)
    if word in _FRACTIONS:
        return _one_of(_FRACTIONS[word])
    if ordinal := _ORDINAL.fullmatch(word):
        return _one_of(spoken_ordinal(int(ordinal[1])))
    if time := _TIME.fullmatch(word):
        return _one_of(spoken_time(int(time[1]), int(time[2])))
    return Word(word) if word else None


def _without_punctuation(word: str) -> str:
    """The points of "a.m." stay."""
    bare = word.strip(_PUNCTUATION)
    return f"{bare}." if "." in bare and word.endswith(".") else bare


def _one_of(ways: tuple[str, ...]) -> Expression:
    said = tuple(Sequence(tuple(map(Word, way.split()))) for way in ways)
    return said[0] if len(said) == 1 else Choice(said)
