"""The words behind every hypothesis of a beam: each record links to the word before.

Where several words ended at once and the next could follow any of them, the others are kept beside the best:
a lattice, from which other sentences than the best are read (Ney and Aubert 1994, "A word graph algorithm for
large vocabulary, continuous speech recognition").
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
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
    _near: dict[int, list[int]] = field(default_factory=dict)

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

    def near(self, tree: int) -> list[int]:
        """What could have entered a tree, the best first; of those that differ in time alone, the best."""
        if tree not in self._near:
            places = np.flatnonzero(self.tree == tree)
            enters = self.enters[places]
            places = places[enters >= enters.max() - CLOSE]
            found: dict[tuple[int, int], int] = {}
            for way in places[np.argsort(-self.enters[places], kind="stable")].tolist():
                words = self.origin[way]
                link = int(self.ended.link[self.ended.row[words], self.ended.column[words]])
                found.setdefault((link, int(self.ended.word[words])), way)
            self._near[tree] = list(found.values())
        return self._near[tree]

    def others(self, way: int, root: int) -> Iterator[tuple[float, Record]]:
        """What could have entered the same tree in place of a way, for a word that begins with this token.

        With the nats by which it is worse, 0 or less, the best first.
        """
        own = self.record(way)
        for other in self.near(int(self.tree[way])):
            if self.token[other] != root:
                record = self.record(other)
                if (record.previous, record.word) != (own.previous, own.word):
                    yield float(self.enters[other] - self.enters[way]), record


class WordHistory:
    """Grows by a record whenever a hypothesis leaves one word and enters the next."""

    def __init__(self, graph: TokenGraph) -> None:
        self._graph = graph
        # Of each record what it is a way of, and the next word's first token.
        self._crossing: list[Crossing] = []
        self._way: list[int] = []
        self._root: list[int] = []
        self._previous: list[int] = []
        self._known: dict[int, int] = {}
        self._settled = NO_WORD

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

        Links are those of all that are left; they have what was found before behind them, too.
        """
        found: int | None = None
        for link in dict.fromkeys(links.tolist()):
            certain = self._certain(link)
            found = certain if found is None else self._common({found, certain})
            if found == self._settled:
                break
        self._settled = NO_WORD if found is None else found
        return self._settled

    def _certain(self, link: int) -> int:
        """The last record that all sentences by one have behind them; it never changes."""
        unknown = []
        while link != NO_WORD and link not in self._known:
            unknown.append(link)
            link = self._previous[link]
        found = self._known[link] if link != NO_WORD else NO_WORD
        for here in reversed(unknown):  # the oldest first, or else long utterances were deep recursions
            found = self._known[here] = self._certain_after(here, found)
        return found

    def _certain_after(self, link: int, before: int) -> int:
        """The same, where that of the record before it is known."""
        crossing, way = self._crossing[link], self._way[link]
        near = crossing.near(int(crossing.tree[way]))
        if set(near) <= {way}:
            return link if before == self._previous[link] else before
        # Where a record may be another, nothing is certain but what was before either.
        others = {self._certain(one) for one in set(crossing.previous(np.array(near)).tolist())}
        return self._common({before, *others})

    def _common(self, links: set[int]) -> int:
        """The last record that all of these have behind them."""
        rest = [-link for link in links]
        heapify(rest)
        while rest:
            latest: int = -heappop(rest)  # a record is younger than those before it
            while rest and -rest[0] == latest:
                heappop(rest)
            if not rest:
                return latest
            heappush(rest, -self._previous[latest] if latest != NO_WORD else -NO_WORD)
        return NO_WORD

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
