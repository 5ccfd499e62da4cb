"""The words behind every hypothesis of a beam: each record links to the word before.

Where several words ended at once and the next could follow any of them, the others are kept beside the best:
a lattice, from which other sentences than the best are read (Ney and Aubert 1994, "A word graph algorithm for
large vocabulary, continuous speech recognition").
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from heapq import heappop, heappush
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
SURE = 2.0
"""Nats behind it at which a word that differs is no longer reckoned with while a sentence is being said."""
START = 0
"""The text in which nothing is said."""


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
    _records: dict[int, Record] = field(default_factory=dict)

    def previous(self, ways: Indices) -> Indices:
        """Links to what was before the words that ended."""
        words = self.origin[ways]
        found: Indices = self.ended.link[self.ended.row[words], self.ended.column[words]]
        return found

    def record(self, way: int) -> Record:
        """One of them."""
        found = self._records.get(way)
        if found is None:
            ended, here = self.ended, int(self.origin[way])
            place = ended.row[here], ended.column[here]
            found = self._records[way] = Record(
                int(ended.link[place]),
                int(ended.word[here]),
                int(self.entry[way]),
                int(ended.start[place]),
                int(ended.end[place]),
                float(ended.score[here]),
            )
        return found

    def others(self, way: int, root: int, within: float = CLOSE) -> Iterator[tuple[float, Record]]:
        """What could have entered the same tree in place of a way, for a word that begins with this token.

        With the nats by which it is worse, 0 or less, the best first, down to the best of all less `within`;
        of those that differ in time alone, the best.
        """
        ways, enters, token, spoken = self._in_order
        first, last = self._places[int(self.tree[way])]
        own, best, met = float(self.enters[way]), None, {self._spoken(way)}
        for place in range(first, last):
            if token[place] == root:
                continue
            best = enters[place] if best is None else best
            if enters[place] < best - within:
                return
            if spoken[place] not in met:
                met.add(spoken[place])
                yield enters[place] - own, self.record(ways[place])

    @cached_property
    def _order(self) -> Indices:
        """Ways to one tree behind the other, the best of each first."""
        return np.lexsort((-self.enters, self.tree))

    @cached_property
    def _in_order(self) -> tuple[list[int], list[float], list[int], list[tuple[int, int]]]:
        """Ways, their scores, the tokens that were last, and what was spoken."""
        order, ended = self._order, self.ended
        words = self.origin[order]
        links = ended.link[ended.row[words], ended.column[words]]
        spoken = list(zip(links.tolist(), ended.word[words].tolist(), strict=True))
        return order.tolist(), self.enters[order].tolist(), self.token[order].tolist(), spoken

    @cached_property
    def _places(self) -> dict[int, tuple[int, int]]:
        """Tree -> the first way to it, and one past the last, in that order."""
        trees, first = np.unique(self.tree[self._order], return_index=True)
        last = [*first[1:].tolist(), len(self.tree)]
        return dict(zip(trees.tolist(), zip(first.tolist(), last, strict=True), strict=True))

    def _spoken(self, way: int) -> tuple[int, int]:
        """The record before the word that ended, and that word, whenever it ended."""
        word = int(self.origin[way])
        return int(self.ended.link[self.ended.row[word], self.ended.column[word]]), int(self.ended.word[word])


class _Texts:
    """Texts as a tree, each one word longer than another; START is the empty one."""

    def __init__(self) -> None:
        self._shorter, self._word, self._length = [START], [""], [0]
        self._longer: dict[tuple[int, str], int] = {}

    def with_word(self, text: int, word: str) -> int:
        """The text that is longer by a word."""
        longer = self._longer.setdefault((text, word), len(self._word))
        if longer == len(self._word):
            self._shorter.append(text)
            self._word.append(word)
            self._length.append(self._length[text] + 1)
        return longer

    def common(self, one: int, other: int) -> int:
        """The longest with which both begin."""
        while one != other:
            if self._length[one] >= self._length[other]:
                one = self._shorter[one]
            else:
                other = self._shorter[other]
        return one

    def words(self, text: int) -> tuple[str, ...]:
        """Spelled out."""
        found = []
        while text != START:
            found.append(self._word[text])
            text = self._shorter[text]
        return tuple(found[::-1])


class _Certain(NamedTuple):
    """What all sentences that go on from a record have in common."""

    text: int
    whole: bool
    """Whether that is all that is said by then."""


class WordHistory:
    """Grows by a record whenever a hypothesis leaves one word and enters the next."""

    def __init__(self, graph: TokenGraph) -> None:
        self._graph = graph
        # Of each record what it is a way of, and the next word's first token.
        self._crossing: list[Crossing] = []
        self._way: list[int] = []
        self._root: list[int] = []
        self._previous: list[int] = []
        self._texts = _Texts()
        self._known = {NO_WORD: _Certain(START, whole=True)}
        self._settled = START

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

    def sentences(
        self, lasts: Iterable[Record], sense: Callable[[tuple[SpokenWord, ...], Record], Hashable], tries: int
    ) -> Iterator[tuple[float, tuple[SpokenWord, ...], Record]]:
        """Score, words and last record of all that may have been said, the best first.

        Args:
            lasts: the records of sentences that end now, the best first. Others differ from them in an
                earlier word, and in what was said before that.
            sense: of words and last record; of those that have the same, only the best one.
            tries: sentences that are looked at, those with the same sense included.
        """
        # What waits is not yet spelled out: a record, and those after it, which cost more than they did.
        waiting: list[tuple[float, int, Record, list[Record], float]] = []
        coming, tie, met = iter(lasts), itertools.count(), set()
        following = next(coming, None)
        for _ in range(tries):
            while following and (not waiting or following.score >= -waiting[0][0]):
                heappush(waiting, (-following.score, next(tie), following, [], 0.0))
                following = next(coming, None)
            if not waiting:
                return
            cost, _, here, after, worse = heappop(waiting)
            before = self._chain(here.previous)
            records = [*before, here, *(one._replace(score=one.score + worse) for one in after)]
            words = self._spoken(records)
            found = sense(words, records[-1])
            if found in met:
                continue  # nor would what differs from it be anything new, hardly ever
            met.add(found)
            yield -cost, words, records[-1]
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

    def settled(self, links: Indices) -> tuple[str, ...]:
        """The words with which all sentences by these begin, those included that are up to SURE behind.

        Links are those of all that are left; they have what was found before behind them, too.
        """
        found: int | None = None
        for link in sorted(set(links.tolist())):  # the oldest first, as they share the least
            certain = self._certain(link).text
            found = certain if found is None else self._texts.common(found, certain)
            if found == self._settled:
                break
        self._settled = START if found is None else found
        return self._texts.words(self._settled)

    def _certain(self, link: int) -> _Certain:
        """What all sentences by one have in common; it never changes."""
        unknown = [link]
        while unknown:  # what stands before first, without recursion, as utterances may be long
            here = unknown[-1]
            near = self._near(here) if here not in self._known else []
            before = [record.previous for record in near if record.previous not in self._known]
            if before:
                unknown += before
                continue
            unknown.pop()
            if near:
                self._known[here] = self._common(near)
        return self._known[link]

    def _near(self, link: int) -> list[Record]:
        """A record, and the others that it might be."""
        crossing, way, root = self._crossing[link], self._way[link], self._root[link]
        return [crossing.record(way), *(record for _, record in crossing.others(way, root, SURE))]

    def _common(self, records: Sequence[Record]) -> _Certain:
        """What sentences that go on from any of these have in common."""
        found = {self._with_word(self._known[record.previous], record) for record in records}
        text = reduce(self._texts.common, (certain.text for certain in found))
        return _Certain(text, whole=len(found) == 1 and found.pop().whole)

    def _with_word(self, before: _Certain, record: Record) -> _Certain:
        word = self._graph.word[record.word] if record.previous != NO_WORD else ""  # a filler has none
        return (
            _Certain(self._texts.with_word(before.text, word), whole=True)
            if word and before.whole
            else before
        )

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
