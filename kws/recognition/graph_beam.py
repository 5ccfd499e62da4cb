"""The best path of a grammar through log-probabilities: tokens passed along the compiled graph.

Token passing (Young, Russell and Thornton 1989, "Token passing: a simple conceptual model for connected
speech recognition systems") with the topology of CTC: a node says its token for one or more steps, then
blanks may follow, and two equal tokens need a blank between them. Every node holds two hypotheses, one
whose last step was the token and one whose last step was a blank. A path's score is that of its best
alignment.

Scores are relative to the best unconstrained path, whose token at each step is the likeliest: 0 is a path
as good as that one, and what is below 0 is the price of keeping to the grammar.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import numpy.typing as npt

from kws.grammar.compile import Indices, TokenGraph
from kws.grammar.word_graph import OPEN, Marks
from kws.recognition.tokens import BLANK, LogProbs
from kws.recognition.word_history import NO_ENTRY, NO_WORD, Crossing, Ended, Record, SpokenWord, WordHistory

Values = npt.NDArray[np.float64]

SENTENCES = 10
"""That a beam names, unless asked for more or fewer."""
_TRIED = 30
"""Sentences looked at for every one that is asked for, as some say the same."""
SAID, PAUSED = 0, 1
"""The hypotheses at a node: its last step was the node's token; it was a blank."""


@dataclass(frozen=True)
class BeamConfig:
    """How much is kept from step to step."""

    width: float = 16.0
    """Nats below the best hypothesis at which one is dropped."""
    nodes: int = 400
    """Nodes kept, at most."""
    silent: float = 6.0
    """Nats below the blank: no token begins at a step where none comes nearer, which most steps are (Chen et
    al. 2016, "Phone synchronous decoding with CTC lattice")."""


@dataclass(frozen=True)
class Path:
    """One way through the graph."""

    words: tuple[SpokenWord, ...]
    """Fillers included."""
    score: float
    """Nats against the unconstrained path, 0 or less."""
    marks: Marks = ()
    """Noted at the end of the sentence."""

    @property
    def text(self) -> str:
        """Its words; those that nobody has found out yet as one sign."""
        said: list[str] = []
        for word in self.words:
            if not word.is_filler and (word.text, *said[-1:]) != (OPEN, OPEN):
                said.append(word.text)
        return " ".join(said)

    @property
    def sense(self) -> tuple[object, ...]:
        """What no two of the likeliest sentences have in common: text, and which of it fills which slot."""
        marks = (word.marks_before + word.marks_after for word in self.words if not word.is_open)
        opened = (word.marks_before + word.marks_after for word in self.words if word.is_open)
        return self.text, self.marks, tuple(marks), tuple(filter(None, opened))


@dataclass(frozen=True, eq=False)
class _Hypotheses:
    """At every active node the two hypotheses; the arrays but `node` are (2, nodes)."""

    node: Indices
    """(nodes,), ascending."""
    score: Values
    link: Indices
    """To the word before, in the history."""
    start: Indices
    """First step of the word being said."""
    end: Indices
    """One past the last step that said a token of it."""

    @classmethod
    def at_start(cls) -> _Hypotheses:
        none = np.zeros((2, 1), np.int64)
        return cls(np.zeros(1, np.int64), np.array([[-np.inf], [0.0]]), none + NO_WORD, none, none)

    def among(self, node: Indices) -> _Hypotheses:
        """The same at more nodes, where nothing is active yet."""
        here = np.searchsorted(node, self.node)
        shape = (2, len(node))
        score, (link, start, end) = np.full(shape, -np.inf), np.zeros((3, *shape), np.int64)
        for new, old in ((score, self.score), (link, self.link), (start, self.start), (end, self.end)):
            new[:, here] = old
        return _Hypotheses(node, score, link, start, end)

    def take(self, places: Indices) -> _Hypotheses:
        return _Hypotheses(
            self.node[places],
            self.score[:, places],
            self.link[:, places],
            self.start[:, places],
            self.end[:, places],
        )


@dataclass(frozen=True, eq=False)
class _Arrivals:
    """Hypotheses that say the first step of another node's token; arrays of (arrivals,), no node twice."""

    node: Indices
    score: Values
    link: Indices
    start: Indices


_NOBODY = _Arrivals(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64))


class GraphBeam:
    """A streaming search: `push` log-probabilities, then ask for `best`, `settled` or `sentences`."""

    def __init__(self, graph: TokenGraph, config: BeamConfig | None = None) -> None:
        self.graph = graph
        self.config = config or BeamConfig()
        self._tokens = len(graph.tokens)
        self.reset()

    def push(self, log_probs: LogProbs) -> None:
        """Move all hypotheses on by these steps, shape (steps, tokens)."""
        if not len(log_probs):
            return
        relative = np.empty((len(log_probs), self._tokens + 1))
        relative[:, :-1] = log_probs - log_probs.max(axis=1, keepdims=True)
        relative[:, -1] = -np.inf  # of node 0, which says nothing
        for row in relative:
            self._advance(row)
            self.step += 1

    def reset(self) -> None:
        """As new: before the first step."""
        self.step = 0
        self._history = WordHistory(self.graph)
        self._now = _Hypotheses.at_start()

    def best(self) -> Path:
        """The best hypothesis, whole sentence or not; a word that may end here counts as said."""
        column, row = self._best_place()
        score = float(self._now.score[row, column])
        ends = self._ends(column)
        last = self._ended(row, column, ends[0], score) if ends else None
        words = self._history.with_last(last) if last else self._words_before(row, column)
        return Path(words, score)

    def settled(self) -> tuple[str, ...]:
        """Words with which all sentences begin, and those next best ones that are near enough."""
        return self._history.settled(self._now.link[self._now.score > -np.inf])

    def sentences(self, count: int = SENTENCES) -> list[Path]:
        """Whole sentences that may end here, the best first, no two with the same text and marks."""

        def path(score: float, words: tuple[SpokenWord, ...], last: Record) -> Path:
            return Path(words, score, self.graph.final_marks[self.graph.target[last.word]])

        found = self._history.sentences(
            self._endings(), lambda words, last: path(0.0, words, last).sense, _TRIED * count
        )
        return [path(*one) for one in islice(found, count)]

    def at_end(self) -> bool:
        """Whether the best hypothesis is a whole sentence."""
        column, _ = self._best_place()
        return any(self.graph.final_weight[self.graph.target[end]] > -np.inf for end in self._ends(column))

    def _best_place(self) -> tuple[int, int]:
        column = int(self._now.score.max(axis=0).argmax())
        return column, int(self._now.score[:, column].argmax())

    def _ends(self, column: int) -> range:
        """Words that may end at an active node."""
        node = int(self._now.node[column])
        first = int(self.graph.ends.first[node])
        return range(first, first + int(self.graph.ends.count[node]))

    def _words_before(self, row: int, column: int) -> tuple[SpokenWord, ...]:
        return self._history.words(int(self._now.link[row, column]))

    def _ended(self, row: int, column: int, end: int, score: float) -> Record:
        """The word that a hypothesis ends with, as the last of a sentence."""
        now = self._now
        start, stop = int(now.start[row, column]), int(now.end[row, column])
        return Record(int(now.link[row, column]), end, NO_ENTRY, start, stop, score)

    def _endings(self) -> Iterator[Record]:
        """The last words of hypotheses that may be a whole sentence, the best first."""
        graph = self.graph
        ends, column = graph.ends.expand(self._now.node)
        weight = graph.end_weight[ends] + graph.final_weight[graph.target[ends]]
        score = self._now.score[:, column] + weight  # (2, ends)
        for place in np.argsort(-score, axis=None, kind="stable"):
            row, index = divmod(int(place), len(ends))
            if score[row, index] == -np.inf:
                return
            yield self._ended(row, int(column[index]), int(ends[index]), float(score[row, index]))

    def _advance(self, row: Values) -> None:
        """One step; `row` is (tokens + 1,), relative to the likeliest token."""
        now = self._now
        symbol = self.graph.symbol[now.node]
        said = now.score[SAID] + row[symbol]
        paused = now.score.max(axis=0) + row[BLANK]
        stayed = self._stayed(said, paused)
        if row[1:-1].max() < -self.config.silent:
            self._now = self._pruned(stayed)
            return
        floor = float(np.maximum(said, paused).max()) - self.config.width
        children = self._into_children(row, symbol, floor)
        if len(children.score):
            floor = max(floor, float(children.score.max()) - self.config.width)
        arrivals = (children, self._into_roots(row, symbol, floor))
        node = np.unique(np.concatenate([now.node, *(arrived.node for arrived in arrivals)]))
        after = stayed.among(node)
        for arrived in arrivals:
            place = np.searchsorted(node, arrived.node)
            better = arrived.score > after.score[SAID, place]
            place = place[better]
            after.score[SAID, place] = arrived.score[better]
            after.link[SAID, place] = arrived.link[better]
            after.start[SAID, place] = arrived.start[better]
            after.end[SAID, place] = self.step + 1
        self._now = self._pruned(after)

    def _stayed(self, said: Values, paused: Values) -> _Hypotheses:
        """The active hypotheses with one step more."""
        now = self._now
        rested, columns = now.score.argmax(axis=0), np.arange(len(now.node))
        link, start, end = now.link.copy(), now.start.copy(), now.end.copy()
        for new, old in ((link, now.link), (start, now.start), (end, now.end)):
            new[PAUSED] = old[rested, columns]
        end[SAID] = self.step + 1
        return _Hypotheses(now.node, np.array([said, paused]), link, start, end)

    def _pruned(self, after: _Hypotheses) -> _Hypotheses:
        best = after.score.max(axis=0)
        floor = best.max() - self.config.width
        if len(best) > self.config.nodes:
            floor = max(floor, np.partition(best, -self.config.nodes)[-self.config.nodes])
        return after.take(np.flatnonzero(best >= floor))

    def _into_children(self, row: Values, symbol: Indices, floor: float) -> _Arrivals:
        """From every active node to the next tokens of the word."""
        now = self._now
        child, origin = self.graph.children.expand(now.node)
        if not len(child):
            return _NOBODY
        token = self.graph.symbol[child]
        said = np.where(token != symbol[origin], now.score[SAID, origin], -np.inf)
        paused = now.score[PAUSED, origin]
        score = np.maximum(said, paused) + row[token]
        kept = np.flatnonzero(score >= floor)
        origin, which = origin[kept], np.where(said > paused, SAID, PAUSED)[kept]
        return _Arrivals(child[kept], score[kept], now.link[which, origin], now.start[which, origin])

    def _into_roots(self, row: Values, symbol: Indices, floor: float) -> _Arrivals:
        """From every word that may end to the first tokens of those that may follow it."""
        graph, now = self.graph, self._now
        end, column = graph.ends.expand(now.node)
        score = (now.score[:, column] + graph.end_weight[end]).ravel()  # (2 * ends,): said, then paused
        live = np.flatnonzero(score + row[1:-1].max() >= floor)
        if not len(live):
            return _NOBODY
        which, place = np.divmod(live, len(end))
        end, column, score = end[place], column[place], score[live]
        # After a pause any token may follow; directly after a token, only another.
        last = np.where(which == SAID, symbol[column], BLANK)

        entry, origin = graph.entries.expand(graph.target[end])
        crossing = Crossing(
            Ended(end, score, which, column, now.link, now.start, now.end),
            origin,
            entry,
            tree=graph.tree[entry],
            enters=score[origin] + graph.entry_weight[entry],
            token=last[origin],
        )
        best = _best_of_each(crossing.tree * (self._tokens + 1) + crossing.token, crossing.enters)

        node, via = graph.roots.expand(crossing.tree[best])
        way, token = best[via], graph.symbol[node]
        total = crossing.enters[way] + row[token]
        total[token == crossing.token[way]] = -np.inf
        kept = np.flatnonzero(total >= max(floor, total.max(initial=-np.inf) - self.config.width))
        kept = kept[_best_of_each(node[kept], total[kept])]
        link = self._history.add(crossing, way[kept], token[kept])
        return _Arrivals(node[kept], total[kept], link, np.full(len(link), self.step))


def _best_of_each(key: Indices, score: Values) -> Indices:
    """Positions of the highest score of every key, the first of equals."""
    order = np.lexsort((-score, key))
    sorted_key = key[order]
    first = np.ones(len(key), np.bool_)
    first[1:] = sorted_key[1:] != sorted_key[:-1]
    return order[first]
