"""The words behind every hypothesis of a beam: each record links to the word before."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from kws.grammar.word_graph import OPEN, Marks

if TYPE_CHECKING:
    from kws.grammar.compile import Indices, TokenGraph

NO_WORD = -1
"""The link of a hypothesis that has not begun a word."""


@dataclass(frozen=True)
class SpokenWord:
    """One word of a path."""

    text: str
    start: int
    """First step that said one of its tokens."""
    end: int
    """One past the last."""
    score: float
    """What it cost against the unconstrained path, nats, 0 or less; a pause between words included."""
    tokens: int
    marks_before: Marks
    marks_after: Marks
    sure: float | None = None
    """Confidence in a word that is not the grammar's own, by the search that has found it."""

    @property
    def is_filler(self) -> bool:
        """Speech that stands for no word."""
        return not self.text

    @property
    def is_open(self) -> bool:
        """A word that is not the grammar's own, or a token of one that nobody has found out yet."""
        return self.sure is not None or self.text == OPEN


class WordHistory:
    """Grows by a record whenever a hypothesis leaves one word and enters the next."""

    def __init__(self, graph: TokenGraph) -> None:
        self._graph = graph
        self._previous: list[int] = []
        self._word: list[int] = []  # which end of a word in the graph
        self._entry: list[int] = []  # by which the next word was entered
        self._start: list[int] = []
        self._end: list[int] = []
        self._score: list[float] = []

    def add(
        self,
        previous: Indices,
        word: Indices,
        entry: Indices,
        start: Indices,
        end: Indices,
        score: npt.NDArray[np.float64],
    ) -> Indices:
        """New records; returns their links. All arrays are (records,)."""
        first = len(self._previous)
        self._previous += previous.tolist()
        self._word += word.tolist()
        self._entry += entry.tolist()
        self._start += start.tolist()
        self._end += end.tolist()
        self._score += score.tolist()
        return np.arange(first, len(self._previous))

    def words(self, link: int) -> tuple[SpokenWord, ...]:
        """The words that ended by this link, in order."""
        chain = []
        while link != NO_WORD:
            chain.append(link)
            link = self._previous[link]
        chain.reverse()  # its first record is the start of all, not a word
        return tuple(
            self._spoken(previous, self._word[here], self._start[here], self._end[here], self._score[here])
            for previous, here in pairwise(chain)
        )

    def with_last(self, link: int, word: int, start: int, end: int, score: float) -> tuple[SpokenWord, ...]:
        """The words by this link and the one after it, which ends now with the path's score."""
        if link == NO_WORD:
            return ()
        return (*self.words(link), self._spoken(link, word, start, end, score))

    def common(self, links: Indices) -> int:
        """The last record that all of these have behind them."""
        rest = [-link for link in set(links.tolist())]
        heapify(rest)
        while rest:
            latest: int = -heappop(rest)  # a record is younger than those before it
            while rest and -rest[0] == latest:
                heappop(rest)
            if not rest:
                return latest
            heappush(rest, -self._previous[latest] if latest != NO_WORD else -NO_WORD)
        return NO_WORD

    def _spoken(self, previous: int, word: int, start: int, end: int, score: float) -> SpokenWord:
        return SpokenWord(
            text=self._graph.word[word],
            start=start,
            end=end,
            score=score - self._score[previous],
            tokens=int(self._graph.length[word]),
            marks_before=self._graph.entry_marks[self._entry[previous]],
            marks_after=self._graph.end_marks[word],
        )
