"""The words behind every hypothesis of a beam: each record links to the word before.

Where several words ended at once and the next could follow any of them, the others are kept beside the best:
a lattice, from which other sentences than the best are read (Ney and Aubert 1994, "A word graph algorithm for
large vocabulary, continuous speech recognition").
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from kws.grammar.word_graph import OPEN, Marks

if TYPE_CHECKING:
    from kws.grammar.compile import Indices, TokenGraph

Values = npt.NDArray[np.float64]

NO_WORD = -1
"""The link of a hypothesis that has not begun a word."""
NO_ENTRY = -1
"""After the last word of a sentence."""
CLOSE = 8.0
"""Nats behind the best at which another word before the next is still remembered."""


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


class Record(NamedTuple):
    """A word that has ended, and how the next was entered."""

    previous: int
    """Link to the one before; NO_WORD at the start, where none has ended."""
    word: int
    """Which end of a word in the graph."""
    entry: int
    """By which the next word is entered; NO_ENTRY after the last."""
    start: int
    end: int
    score: float


@dataclass(frozen=True, eq=False)
class Ended:
    """Words that ended at one step, as hypotheses of a beam; arrays are (words,) but for the last three."""

    word: Indices
    score: Values
    row: Indices
    column: Indices
    link: Indices
    """(2, nodes), as `start` and `end`: at [row, column] the record before the word."""
    start: Indices
    end: Indices


@dataclass(frozen=True, eq=False)
class Crossing:
    """All that could enter the trees of one step; arrays are (ways,)."""

    ended: Ended
    origin: Indices
    """Which of the words that ended."""
    entry: Indices
    tree: Indices
    enters: Values
    """Score at the entrance, its weight included."""
    token: Indices
    """Last one said, which the next word may not begin with."""

    def previous(self, ways: Indices) -> Indices:
        """Links to what was before the words that ended."""
        words = self.origin[ways]
        found: Indices = self.ended.link[self.ended.row[words], self.ended.column[words]]
        return found

    def record(self, way: int) -> Record:
        """One of them."""
        ended, here = self.ended, int(self.origin[way])
        place = ended.row[here], ended.column[here]
        return Record(
            int(ended.link[place]),
            int(ended.word[here]),
            int(self.entry[way]),
            int(ended.start[place]),
            int(ended.end[place]),
            float(ended.score[here]),
        )

    def others(self, way: int, root: int) -> Iterator[tuple[float, Record]]:
        """What could have entered the same tree in place of a way, for a word that begins with this token.

        With the nats by which it is worse, 0 or less; the best of those that differ in time alone.
        """
        near = self.enters >= self.enters[way] - CLOSE
        places = np.flatnonzero(near & (self.tree == self.tree[way]) & (self.token != root))
        own = self.record(way)
        seen = {(own.previous, own.word)}
        for place in places[np.argsort(-self.enters[places], kind="stable")]:
            other = self.record(int(place))
            if (other.previous, other.word) not in seen:
                seen.add((other.previous, other.word))
                yield float(self.enters[place] - self.enters[way]), other


class WordHistory:
    """Grows by a record whenever a hypothesis leaves one word and enters the next."""

    def __init__(self, graph: TokenGraph) -> None:
        self._graph = graph
        # Of each record what it is a way of, and the next word's first token.
        self._crossing: list[Crossing] = []
        self._way: list[int] = []
        self._root: list[int] = []
        self._previous: list[int] = []
        self._known: dict[int, tuple[int, ...]] = {}

    def add(self, crossing: Crossing, ways: Indices, roots: Indices) -> Indices:
        """New records; returns their links, (records,).

        Args:
            crossing: all that could enter now.
            ways: which did, (records,).
            roots: the first tokens of what each entered, (records,).
        """
        first = len(self._way)
        self._crossing += [crossing] * len(ways)
        self._way += ways.tolist()
        self._root += roots.tolist()
        self._previous += crossing.previous(ways).tolist()
        return np.arange(first, len(self._way))

    def words(self, link: int) -> tuple[SpokenWord, ...]:
        """The words that ended by this link, in order."""
        return self._spoken(self._chain(link)) if link != NO_WORD else ()

    def with_last(self, last: Record) -> tuple[SpokenWord, ...]:
        """The words by a record that is not among these, itself included."""
        return self._spoken([*self._chain(last.previous), last]) if last.previous != NO_WORD else ()

    def sentences(self, lasts: Iterable[Record]) -> Iterator[tuple[float, tuple[SpokenWord, ...], Record]]:
        """Score, words and last record of all that may have been said, the best first.

        Args:
            lasts: the records of sentences that end now, the best first. Others differ from them in an
                earlier word, and in what was said before that.
        """
        # What waits is not yet spelled out: a record, and those after it, which cost more than they did.
        waiting: list[tuple[float, int, Record, list[Record], float]] = []
        coming, tie = iter(lasts), itertools.count()
        following = next(coming, None)
        while waiting or following:
            while following and (not waiting or following.score >= -waiting[0][0]):
                heappush(waiting, (-following.score, next(tie), following, [], 0.0))
                following = next(coming, None)
            cost, _, here, after, worse = heappop(waiting)
            before = self._chain(here.previous)
            records = [*before, here, *(one._replace(score=one.score + worse) for one in after)]
            yield -cost, self._spoken(records), records[-1]
            # Only before where it differs already, so that nothing is met twice.
            link = here.previous
            for place in range(len(before), 0, -1):
                for worse, other in self._crossing[link].others(self._way[link], self._root[link]):
                    heappush(waiting, (cost - worse, next(tie), other, records[place:], worse))
                link = self._previous[link]

    def _chain(self, link: int) -> list[Record]:
        """All records by this link, in order; the first is the start of all, not a word."""
        chain = []
        while link != NO_WORD:
            chain.append(self._crossing[link].record(self._way[link]))
            link = self._previous[link]
        return chain[::-1]

    def settled(self, links: Indices) -> int:
        """The last record that all sentences by these have behind them, next best ones included.

        Those that differ in a record have nothing for certain in common but what was before it.
        """
        rest = [-link for link in set(links.tolist())]
        heapify(rest)
        found = NO_WORD
        while rest:
            link: int = -heappop(rest)  # a record is younger than those before it
            while rest and -rest[0] == link:
                heappop(rest)
            if link == NO_WORD:
                break
            others = self._befores(link)
            if rest or others:
                found = NO_WORD
            elif found == NO_WORD:
                found = link
            for previous in {self._previous[link], *others}:
                heappush(rest, -previous)
        return found

    def _befores(self, link: int) -> tuple[int, ...]:
        """What was before the records that sentences may have in place of one."""
        if link not in self._known:
            others = self._crossing[link].others(self._way[link], self._root[link])
            self._known[link] = tuple({other.previous for _, other in others})
        return self._known[link]

    def _spoken(self, records: Sequence[Record]) -> tuple[SpokenWord, ...]:
        return tuple(
            SpokenWord(
                text=self._graph.word[here.word],
                start=here.start,
                end=here.end,
                score=here.score - before.score,
                tokens=int(self._graph.length[here.word]),
                marks_before=self._graph.entry_marks[before.entry],
                marks_after=self._graph.end_marks[here.word],
            )
            for before, here in pairwise(records)
        )
