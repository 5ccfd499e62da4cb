"""Scorers that make the prefix beam write words: a language model, word insertion, boosted phrases.

Shallow fusion: a text's score is ln P(tokens | audio) + weight * ln P(words) + insertion * words (Hannun
et al. 2014).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from kws.recognition.lexicon import ROOT, Lexicon, Node, Spelling
from kws.recognition.log_domain import NEVER
from kws.recognition.ngram import History, LanguageModel
from kws.recognition.prefix import State
from kws.recognition.scorer import Table


@dataclass(frozen=True)
class Fusion:
    """What words are worth."""

    weight: float = 0.6
    """Of the language model."""
    insertion: float = 1.0
    """Nats for every word, as language models prefer few of them."""

    def score(self, model: LanguageModel, words: Sequence[str]) -> float:
        """What a whole text is worth."""
        history, total = model.start(), 0.0
        for word in words:
            history, log_prob = model.score(history, word)
            total += log_prob
        return self.weight * (total + model.end(history)) + self.insertion * len(words)


class WordState(NamedTuple):
    """A text that is being written."""

    history: History
    place: Hashable
    """Where in the word: its letters so far, or a node of the lexicon."""
    finished: str | None = None
    """The word that the last token has finished, if it has; "" for one that is not to be written."""
    words: int = 0
    """Finished so far."""

    @property
    def outlook(self) -> Hashable:
        """What it is made of besides what has become of it."""
        return self.history, self.place


class LetterWords:
    """A Scorer for characters: any words, divided by single spaces; each is judged once it is finished."""

    def __init__(self, symbols: Sequence[str], model: LanguageModel, fusion: Fusion) -> None:
        self._symbols, self._model, self._fusion = symbols, model, fusion
        self._spaces = [token for token, symbol in enumerate(symbols) if symbol == " "]

    def start(self) -> WordState:
        """No letters yet."""
        return WordState(self._model.start(), "")

    def ways(self, state: State, tokens: int) -> Table:
        """A letter, or a space after letters."""
        assert isinstance(state, WordState)
        table = np.zeros((1, tokens))
        table[0, self._spaces] = self._ended(state)[1] if state.place else NEVER
        return table

    def follow(self, state: State, way: int, token: int) -> WordState:
        """The only way."""
        assert isinstance(state, WordState)
        letters = str(state.place)
        if token not in self._spaces:
            return WordState(state.history, letters + self._symbols[token], None, state.words)
        return WordState(self._ended(state)[0], "", letters, state.words + 1)

    def finish(self, state: State) -> float:
        """Anywhere; the last word needs no space."""
        assert isinstance(state, WordState)
        history, nats = self._ended(state) if state.place else (state.history, 0.0)
        return nats + self._fusion.weight * self._model.end(history)

    def last_word(self, state: State) -> str | None:
        """The word that a text ends with if it ends here."""
        assert isinstance(state, WordState)
        return str(state.place) or None

    def words(self, state: State) -> int:
        """The last one included."""
        assert isinstance(state, WordState)
        return state.words + bool(state.place)

    def outlook(self, state: State) -> Hashable:
        """The words that matter, and the letters since."""
        assert isinstance(state, WordState)
        return state.outlook

    def _ended(self, state: WordState) -> tuple[History, float]:
        """With the letters so far as a word."""
        history, log_prob = self._model.score(state.history, str(state.place))
        return history, self._fusion.weight * log_prob + self._fusion.insertion


class LexiconWords:
    """A Scorer for phones: the words of a lexicon, one behind the other.

    Within a word the best that the language model says of any word it may become is counted in advance
    (Ortmanns, Ney and Eiden 1996, "Language-model look-ahead for large vocabulary speech recognition"), and
    replaced by the word's own probability where it ends.
    """

    def __init__(
        self,
        lexicon: Lexicon,
        model: LanguageModel,
        fusion: Fusion,
        lead_in: Sequence[Spelling] = (),
    ) -> None:
        self._lexicon, self._model, self._fusion = lexicon, model, fusion
        self._start = lexicon.with_lead_in(lead_in) if lead_in else ROOT
        self._below: dict[Node, Table] = {}

    def start(self) -> WordState:
        """At the lexicon's root, or in what may be heard of a wake word."""
        return WordState(self._model.start(), self._start)

    def ways(self, state: State, tokens: int) -> Table:
        """The word goes on; or one of those that end here is over and another begins."""
        assert isinstance(state, WordState)
        node = _node(state)
        goes_on, words = self._following(node, tokens), self._lexicon.words(node)
        if not words:
            return goes_on
        begins, ahead = self._following(ROOT, tokens), self._ahead(node)
        table = np.empty((1 + len(words), tokens))
        table[0] = goes_on
        for way, word in enumerate(words, 1):
            table[way] = begins + (self._ended(state, word)[1] - ahead)
        return table

    def follow(self, state: State, way: int, token: int) -> WordState:
        """Way 0 goes on, the others are the words that end here."""
        assert isinstance(state, WordState)
        node = _node(state)
        if way == 0:
            return WordState(state.history, self._child(node, token), None, state.words)
        word = self._lexicon.words(node)[way - 1]
        history, _ = self._ended(state, word)
        return WordState(history, self._child(ROOT, token), word, state.words + bool(word))

    def finish(self, state: State) -> float:
        """Where a word ends, or before the first."""
        assert isinstance(state, WordState)
        node = _node(state)
        if node == self._start:
            return 0.0
        ways = [
            nats + self._fusion.weight * self._model.end(history)
            for history, nats in (self._ended(state, word) for word in self._lexicon.words(node))
        ]
        return max(ways) - self._ahead(node) if ways else NEVER

    def last_word(self, state: State) -> str | None:
        """The likeliest of those that end here."""
        assert isinstance(state, WordState)
        words = self._lexicon.words(_node(state))
        return max(words, key=lambda word: self._ended(state, word)[1]) if words else None

    def words(self, state: State) -> int:
        """The last one included."""
        assert isinstance(state, WordState)
        return state.words + (_node(state) != self._start)

    def outlook(self, state: State) -> Hashable:
        """The words that matter, and the place in the lexicon."""
        assert isinstance(state, WordState)
        return state.outlook

    def _following(self, node: Node, tokens: int) -> Table:
        """What the look-ahead says of every token after a node that goes on, (1, tokens)."""
        found = self._below.get(node)
        if found is None:
            if len(self._below) >= _MOST_KEPT:
                self._below.clear()
            found = self._below[node] = np.full((1, tokens), NEVER)
            for token, child in self._lexicon.children(node, tokens):
                found[0, token] = self._ahead(child) - (0.0 if node == ROOT else self._ahead(node))
        return found

    def _child(self, node: Node, token: int) -> Node:
        child = self._lexicon.child(node, token)
        assert child is not None, "only tokens that may follow are followed"
        return child

    def _ended(self, state: WordState, word: str) -> tuple[History, float]:
        if not word:
            return state.history, 0.0
        history, log_prob = self._model.score(state.history, word)
        return history, self._fusion.weight * log_prob + self._fusion.insertion

    def _ahead(self, node: Node) -> float:
        best = self._lexicon.best(node)
        return 0.0 if node == self._start or best == NEVER else self._fusion.weight * best


def _node(state: WordState) -> Node:
    assert isinstance(state.place, int)
    return state.place


_MOST_KEPT = 10_000
"""Nodes whose look-ahead is remembered: neighbouring prefixes ask for the same again and again."""
