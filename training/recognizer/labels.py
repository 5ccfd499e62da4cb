"""Text -> what the two heads are to write: characters and phones."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from kws.recognition.tokens import CHARACTERS
from training.words.lexicon import Phones, pronunciations, words_of


def spoken_words(text: str) -> str:
    """The text as the characters' head writes it: lower case, one space between words, apostrophes kept.

    Empty for text with digits, whose reading is not known, or with letters beyond a to z.
    """
    if any(character.isdigit() for character in text):
        return ""
    words = " ".join(filter(None, words_of(text)))
    return words if set(words) <= set(CHARACTERS.symbols) else ""


def phones_of(text: str) -> Phones:
    """The usual pronunciation of every word, in turn; empty when a word has none."""
    words = [_usual(word) for word in text.split()]
    return sum(words, ()) if all(words) else ()


def steps_needed(labels: tuple[int, ...]) -> int:
    """Model steps that CTC needs at least: one a label, and a blank between two that are the same."""
    return len(labels) + sum(a == b for a, b in pairwise(labels))


@lru_cache(maxsize=100_000)
def _usual(word: str) -> Phones:
    found = pronunciations(word)
    return found[0] if found else ()
