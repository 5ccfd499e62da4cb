"""Scorers that make the prefix beam write words: a language model, word insertion, boosted phrases.

Shallow fusion: a text's score is ln P(tokens | audio) + weight * ln P(words) + insertion * words (Hannun
et al. 2014).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from kws.recognition.lexicon import LexiconNode, Spelling, with_lead_in
from kws.recognition.log_domain import NEVER
from kws.recognition.ngram import History, LanguageModel
from kws.recognition.prefix_beam import State


@dataclass(frozen=True)
class Fusion:
    """What words are worth."""

    weight: float = 0.6
    """Of the language model."""
    insertion: float = 1.0
    """Nats for every word, as language models prefer few of them."""


@dataclass(frozen=True)
class WordState:
    """A text that is being written."""

    history: History
    place: Hashable
    """Where in the word: its letters so far, or a node of the lexicon."""
    finished: str | None = None
    """The word that the last token has finished, if it has; "" for one that is not to be written."""
    words: int = 0
    """Finished so far."""


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


class LexiconWords:
    """A Scorer for phones: the words of a lexicon, one behind the other.

    Within a word the best that the language model says of any word it may become is counted in advance
    (Ortmanns, Ney and Eiden 1996, "Language-model look-ahead for large vocabulary speech recognition"), and
    replaced by the word's own probability where it ends.
    """

    def __init__(
        self,
        lexicon: LexiconNode,
        model: LanguageModel,
        fusion: Fusion,
        lead_in: Iterable[Spelling] = (),
    ) -> None:
        self._root, self._model, self._fusion = lexicon, model, fusion
        self._start = with_lead_in(lexicon, lead_in)

    def start(self) -> WordState:
        """At the lexicon's root, or in what may be heard of a wake word."""
        return WordState(self._model.start(), self._start)

    def extend(self, state: State, token: int) -> Sequence[tuple[WordState, float]]:
        """The word goes on, or any word that ends here is over and another begins."""
        assert isinstance(state, WordState)
        node = _node(state)
        found: list[tuple[WordState, float]] = []
        child = node.children.get(token)
        if child is not None:
            moved = WordState(state.history, child, None, state.words)
            found.append((moved, self._ahead(child) - self._ahead(node)))
        after = self._root.children.get(token)
        if after is not None:
            for word in node.words:
                history, nats = self._ended(state, word)
                begun = WordState(history, after, word, state.words + bool(word))
                found.append((begun, nats - self._ahead(node) + self._ahead(after)))
        return found

    def finish(self, state: State) -> float:
        """Where a word ends, or before the first."""
        assert isinstance(state, WordState)
        node = _node(state)
        if node is self._start:
            return 0.0
        ways = [
            nats + self._fusion.weight * self._model.end(history)
            for history, nats in (self._ended(state, word) for word in node.words)
        ]
        return max(ways) - self._ahead(node) if ways else NEVER

    def last_word(self, state: State) -> str | None:
        """The likeliest of those that end here."""
        assert isinstance(state, WordState)
        words = _node(state).words
        return max(words, key=lambda word: self._ended(state, word)[1]) if words else None

    def words(self, state: State) -> int:
        """The last one included."""
        assert isinstance(state, WordState)
        return state.words + (_node(state) is not self._start)

    def _ended(self, state: WordState, word: str) -> tuple[History, float]:
        if not word:
            return state.history, 0.0
        history, log_prob = self._model.score(state.history, word)
        return history, self._fusion.weight * log_prob + self._fusion.insertion

    def _ahead(self, node: LexiconNode) -> float:
        outside = node is self._start or node.best == NEVER
        return 0.0 if outside else self._fusion.weight * node.best


def _node(state: WordState) -> LexiconNode:
    assert isinstance(state.place, LexiconNode)
    return state.place
