"""Scorers that make the prefix beam write words: a language model, word insertion, boosted phrases.

Shallow fusion: a text's score is ln P(tokens | audio) + weight * ln P(words) + insertion * words (Hannun
et al. 2014).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kws.recognition.lexicon import ROOT, Lexicon, Node, Spelling
from kws.recognition.log_domain import NEVER
from kws.recognition.ngram import History, LanguageModel
from kws.recognition.prefix import State


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

    def start(self) -> WordState:
        """No letters yet."""
        return WordState(self._model.start(), "")

    def extend(self, state: State, token: int) -> Sequence[tuple[WordState, float]]:
        """A letter, or a space after letters."""
        assert isinstance(state, WordState)
        letters = str(state.place)
        if self._symbols[token] != " ":
            return ((WordState(state.history, letters + self._symbols[token], None, state.words), 0.0),)
        if not letters:
            return ()
        history, log_prob = self._model.score(state.history, letters)
        nats = self._fusion.weight * log_prob + self._fusion.insertion
        return ((WordState(history, "", letters, state.words + 1), nats),)

    def finish(self, state: State) -> float:
        """Anywhere; the last word needs no space."""
        assert isinstance(state, WordState)
        history, nats = state.history, 0.0
        if state.place:
            history, log_prob = self._model.score(history, str(state.place))
            nats = self._fusion.weight * log_prob + self._fusion.insertion
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
        self._first = {token: (node, self._ahead(node)) for token, node in lexicon.children(ROOT)}
        # A beam asks of one state after another, of each with every token: what goes for all is kept.
        self._asked: WordState | None = None
        self._asked_ahead = 0.0
        self._endings: list[tuple[str, History, float]] = []

    def start(self) -> WordState:
        """At the lexicon's root, or in what may be heard of a wake word."""
        return WordState(self._model.start(), self._start)

    def extend(self, state: State, token: int) -> Sequence[tuple[WordState, float]]:
        """The word goes on, or any word that ends here is over and another begins."""
        assert isinstance(state, WordState)
        if self._asked is not state:
            self._ask(state)
        found: list[tuple[WordState, float]] = []
        child = self._lexicon.child(_node(state), token)
        if child is not None:
            moved = WordState(state.history, child, None, state.words)
            found.append((moved, self._ahead(child) - self._asked_ahead))
        if self._endings and token in self._first:
            after, ahead = self._first[token]
            for word, history, nats in self._endings:
                begun = WordState(history, after, word, state.words + bool(word))
                found.append((begun, nats + ahead))
        return found

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

    def _ask(self, state: WordState) -> None:
        """Note what all tokens after a state have in common."""
        node = _node(state)
        ahead = self._ahead(node)
        endings = [(word, *self._ended(state, word)) for word in self._lexicon.words(node)]
        self._asked, self._asked_ahead = state, ahead
        self._endings = [(word, history, nats - ahead) for word, history, nats in endings]

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
