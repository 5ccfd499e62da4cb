"""The general English trigram that the package `pocketsphinx` brings, asked where it lies.

72,547 words (Alpha Cephei 2015, BSD licence). The package answers from its own binary form (27 MB), so
nothing is converted.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache

from kws.grammar.pronunciation import dictionary, speech_model
from kws.recognition.ngram import BEGIN, END, History

_LN_PER_UNIT = 1e-4
"""The package's logarithms are to the base 1.0001."""
_RAREST = -20.0
"""Nats, for words that it does not know, as for an ARPA file without <unk>."""


class PackagedTrigram:
    """A WordModel.

    Args:
        vocabulary: so many of its words, the most frequent that the dictionary can pronounce; None for all
            70,244 of them.
    """

    def __init__(self, vocabulary: int | None = None) -> None:
        from pocketsphinx import NGramModel

        self._model = NGramModel.readfile(str(speech_model() / "en-us.lm.bin"))
        self._vocabulary = vocabulary
        # Neighbouring prefixes ask the same again and again, and every question crosses into C.
        self._known: dict[tuple[str, ...], float] = {}

    @cached_property
    def words(self) -> list[str]:
        """The most frequent first."""
        # Past the memory of `log_prob`: a beam asks for few of these again.
        share = {word: self.asked((word,)) for word in _plain_words()}
        known = [word for word in share if share[word] > _RAREST]
        return sorted(known, key=lambda word: (-share[word], word))[: self._vocabulary]

    def start(self) -> History:
        """The mark of a sentence's beginning."""
        return (BEGIN,)

    def score(self, history: History, word: str) -> tuple[History, float]:
        """Two words are as much of a history as matters."""
        return (*history, word)[-2:], self.log_prob(history, word)

    def end(self, history: History) -> float:
        """Of the mark of a sentence's end."""
        return self.log_prob(history, END)

    def log_prob(self, history: History, word: str) -> float:
        """ln p(word | history)."""
        question = (*history[-2:], word)
        found = self._known.get(question)
        if found is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            found = self._known[question] = max(_RAREST, self.asked(question))
        return found

    def asked(self, words: History) -> float:
        """ln p of the last word after the others, as the package has it; below -50 where it is unknown."""
        return float(self._model.prob([*reversed(words)])) * _LN_PER_UNIT


@lru_cache(maxsize=1)
def packaged_trigram() -> PackagedTrigram:
    """The one that all of a process share: it answers the same to all."""
    return PackagedTrigram()


def _plain_words() -> Iterator[str]:
    """Those of the dictionary that a transcript may have: letters and apostrophes."""
    return (word for word in dictionary() if word.replace("'", "").isalpha())


_MOST_KEPT = 200_000
