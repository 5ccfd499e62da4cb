"""A wake word as its user writes it: tidied, refused where nobody could say it, and what to think of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from kws.errors import KwsError
from training.words.lexicon import readings, words_of

FEWEST_PHONES = 5
"""Below it much of what people say sounds like the phrase."""
MOST_PHONES = 16
"""Said slowly, as much as a head looks back on: 12 embeddings, 1.7 s of sound."""


def tidied(text: str) -> str:
    """Lower case, single spaces, no punctuation but what stands within a word: "Hey, Computer!".

    Raises:
        KwsError: nothing is left to say, or there are digits, whose pronunciation is in no dictionary.
    """
    plain = unicodedata.normalize("NFC", text).lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    words = [word.strip("-'") for word in re.sub(r"[^\w'-]|_", " ", plain).split()]
    phrase = " ".join(filter(None, words))
    if not words_of(phrase) and not any(map(str.isdigit, phrase)):
        raise KwsError(f"{text!r}: nothing in it can be said; spell the wake word in letters")
    if any(map(str.isdigit, phrase)):
        raise KwsError(f"{text!r}: write it in letters, numbers as words{_suggestion(phrase)}")
    return phrase


def doubts(phrase: str) -> Iterator[str]:
    """One line about each property of a phrase that makes it a poor wake word."""
    phones = max(map(len, readings(phrase)), default=0)
    if phones < FEWEST_PHONES:
        yield (
            f"{phrase!r} has {phones} sounds; much of what people say is like it: expect more misses and "
            "false alarms than with a longer one, such as two words"
        )
    if phones > MOST_PHONES:
        yield f"{phrase!r} has {phones} sounds; of what is said slowly only the end is heard"


def _suggestion(phrase: str) -> str:
    """The same with its numbers as words, where that is all it takes."""
    from kws.grammar.numbers import spoken

    if re.search(r"[^\W\d]\d|\d[^\W\d]", phrase):  # "r2d2"
        return ""
    in_words = re.sub(r"\d+", lambda number: spoken(int(number.group()))[0], phrase)
    return f', such as "{in_words}"'
