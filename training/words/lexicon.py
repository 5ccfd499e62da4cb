"""What training asks of words beyond their sound: how frequent each is, and the ways to say a phrase."""

from __future__ import annotations

from itertools import product

from kws.grammar.pronunciation import (
    Phones,
    by_letters,
    by_rule,
    dictionary,
    from_ipa,
    pronunciations,
    words_of,
)
from kws.recognition.packaged_trigram import packaged_trigram

__all__ = [
    "CONSONANTS",
    "VOWELS",
    "Phones",
    "by_letters",
    "by_rule",
    "dictionary",
    "from_ipa",
    "log_frequency",
    "pronunciations",
    "readings",
    "words_of",
]

VOWELS = frozenset(("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"))
CONSONANTS = frozenset(
    (
        "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N",
        "NG", "P", "R", "S", "SH", "T", "TH", "V", "W", "Y", "Z", "ZH",
    )
)  # fmt: skip

_READINGS = 8  # of a phrase, at most


def log_frequency(word: str) -> float:
    """Natural logarithm of a word's share in English text; minus infinity for rare ones."""
    value = packaged_trigram().asked((word,))
    return value if value > -50 else float("-inf")


def readings(phrase: str) -> list[Phones]:
    """Ways to say a phrase: pronunciations of its words joined, at most eight."""
    words = [pronunciations(word) for word in words_of(phrase)]
    joined = (sum(parts, ()) for parts in product(*filter(None, words)))
    return [phones for phones, _ in zip(joined, range(_READINGS), strict=False) if phones]
