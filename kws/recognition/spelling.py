"""Phrases as the tokens of a recognizer write them."""

from __future__ import annotations

from kws.errors import GrammarError
from kws.grammar.compile import spell
from kws.recognition.lexicon import Spelling
from kws.recognition.tokens import Tokens


def phrase_spellings(phrase: str, tokens: Tokens, limit: int = 8) -> list[Spelling]:
    """Ways to write several words, at most so many; raises GrammarError where there is none."""
    ways: list[Spelling] = [()]
    for word in phrase.lower().split():
        ways = [way + more for way in ways for more in spell(word, tokens, "the phrase")][:limit]
    if ways == [()]:
        raise GrammarError("the phrase: expected words, found nothing")
    return ways


def endings(wake_word: str, tokens: Tokens) -> list[Spelling]:
    """All that may be left of a wake word's spellings when listening begins within it."""
    ways = phrase_spellings(wake_word, tokens)
    return list(dict.fromkeys(way[start:] for way in ways for start in range(len(way))))
