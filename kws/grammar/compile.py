"""A graph of words -> the graph of tokens that the beam walks: a tree of spellings leaves every state.

Words that leave a state share their beginnings, so a list of a thousand names is entered through at most
as many nodes as there are tokens. Skips are followed at compile time: from every state where a word ends it
is known which trees may be entered next.
"""

from __future__ import annotations

import gc
import heapq
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice, product

import numpy as np
import numpy.typing as npt

from kws.errors import GrammarError
from kws.grammar.around import add_fillers, add_lead_in
from kws.grammar.expression import Grammar
from kws.grammar.open_words import OPEN_COST, open_up
from kws.grammar.pronunciation import pronunciations, read_ahead, words_of
from kws.grammar.saying import saying
from kws.grammar.word_graph import OPEN, Marks, Spelling, WordArc, WordGraph, word_graph
from kws.recognition.tokens import SPACE, Tokens

Indices = npt.NDArray[np.int64]
Weights = npt.NDArray[np.float64]

READINGS = 8
"""Ways to say one word, at most."""
WAY_LIMIT = 1_000_000
"""Pairs of states with skips from one to the other; there may be as many as the square of the words."""


@dataclass(frozen=True, eq=False)
class Lists:
    """Many short lists of numbers as one array: list i is `items[first[i] : first[i] + count[i]]`."""

    first: Indices
    count: Indices

    @classmethod
    def of(cls, counts: list[int]) -> Lists:
        """Lists of these lengths, one behind the other."""
        count = np.array(counts, np.int64)
        return cls(np.cumsum(count) - count, count)

    def expand(self, which: Indices) -> tuple[Indices, Indices]:
        """Positions of all items of some lists, and for each the place in `which` that it comes from."""
        counts = self.count[which]
        origin = np.repeat(np.arange(len(which)), counts)
        ends = np.cumsum(counts)
        within = np.arange(len(origin)) - np.repeat(ends - counts, counts)
        return self.first[which][origin] + within, origin


@dataclass(frozen=True, eq=False)
class TokenGraph:
    """What a beam walks. Node 0 stands before the first token; every other node says one token.

    A node's children stand together, and so do the roots of each state's tree.
    """

    tokens: Tokens
    symbol: Indices
    """(nodes,): the token of each; of node 0 one past the last token."""
    children: Lists
    ends: Lists
    """Per node, the words that may end there, as positions in the arrays below."""
    word: tuple[str, ...]
    """(ends,): the word; "" for what stands for no word."""
    length: Indices
    """(ends,): its tokens."""
    target: Indices
    """(ends,): the state after it."""
    end_weight: Weights
    end_marks: tuple[Marks, ...]
    entries: Lists
    """Per state, the trees that may be entered there, as positions in the arrays below."""
    tree: Indices
    entry_weight: Weights
    entry_marks: tuple[Marks, ...]
    roots: Lists
    """Per tree, its first nodes (these are the nodes' own numbers)."""
    final_weight: Weights
    """(states,): of ending there; minus infinity where no sentence ends."""
    final_marks: tuple[Marks, ...]

    @property
    def nodes(self) -> int:
        """How many."""
        return len(self.symbol)

    @property
    def is_open(self) -> bool:
        """Whether words may be said that are not its own."""
        return OPEN in self.word


def compile_grammar(
    grammar: Grammar,
    tokens: Tokens,
    *,
    filler_cost: float | None = None,
    open_cost: float = OPEN_COST,
    lead_in: Iterable[Spelling] = (),
    only: str | None = None,
) -> TokenGraph:
    """The token graph of a grammar.

    Args:
        grammar: what may be said.
        tokens: the acoustic model's; words are spelled in them here, once.
        filler_cost: lets other speech stand before and after a sentence, each token of it for this many nats;
            None: it may not.
        open_cost: nats for each token of words that are not the grammar's own.
        lead_in: what may be heard of a wake word before the sentence, at no cost.
        only: leaves all sentences out but those of these words.

    Raises:
        GrammarError: a word cannot be said, the graph grows too large, or nothing says `only`.
    """
    with _collector_paused():
        graph = word_graph(grammar)
        if only is not None:
            graph = saying(graph, only.split())
        if lead_in:
            add_lead_in(graph, lead_in)
        if filler_cost is not None:
            add_fillers(graph, len(tokens), filler_cost)
        open_up(graph, len(tokens), open_cost)
        return compile_words(graph, tokens)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """So many small objects are made, and all of them stay, that looking for others is half of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def compile_words(graph: WordGraph, tokens: Tokens) -> TokenGraph:
    """The token graph of a word graph."""
    return _Compiler(graph, tokens).compiled()


def spell(word: str, tokens: Tokens, place: str) -> list[Spelling]:
    """Ways to write a word in tokens; raises GrammarError where there is none."""
    spellings = _in_phones(word, tokens) if tokens.kind == "phones" else _in_characters(word, tokens)
    if not spellings:
        raise GrammarError(f"{place}: {word!r} cannot be said; write it in Latin letters, numbers as words")
    return spellings


def _in_phones(word: str, tokens: Tokens) -> list[Spelling]:
    if any(character.isdigit() for character in word):
        return []
    parts = [pronunciations(part) for part in words_of(word)]
    if not all(parts):
        return []
    joined = (tokens.encode(sum(reading, ())) for reading in product(*parts))
    return list(dict.fromkeys(spelling for spelling in islice(joined, READINGS) if spelling))


def _in_characters(word: str, tokens: Tokens) -> list[Spelling]:
    """The letters; the space behind them may be missing, as the last word's is."""
    text = " ".join(words_of(word))
    if not text or any(character not in tokens.index for character in re.sub("[-.]", " ", word)):
        return []
    return [tokens.encode(text), tokens.encode(text + SPACE)]


@dataclass
class _Node:
    """One node of a tree while it is built."""

    symbol: int
    children: dict[int, _Node]
    ends: dict[tuple[str, int, Marks], tuple[float, int]]
    """(word, target, marks) -> weight, length."""


class _Compiler:
    """Trees first, then everything as arrays."""

    def __init__(self, graph: WordGraph, tokens: Tokens) -> None:
        self._graph, self._tokens = graph, tokens
        self._trees = self._grow_trees()
        self._skips: dict[int, list[tuple[int, Marks, float]]] = {}
        for skip in graph.skips:
            self._skips.setdefault(skip.source, []).append((skip.target, skip.marks, skip.weight))
        # States where a word ends, and the start: only from these is a tree ever entered.
        reached = {graph.start, *(arc.target for arc in graph.words)}
        self._state = {state: number for number, state in enumerate(sorted(reached))}
        self._tree = {state: number for number, state in enumerate(self._trees)}

    def compiled(self) -> TokenGraph:
        """All of it as arrays."""
        nodes, roots, children = self._laid_out()
        ends = [(key, value) for node in nodes for key, value in node.ends.items()]
        entries, finals = self._followed()
        flat = [entry for of_state in entries for entry in of_state]
        return TokenGraph(
            tokens=self._tokens,
            symbol=np.array([node.symbol for node in nodes], np.int64),
            children=children,
            ends=Lists.of([len(node.ends) for node in nodes]),
            word=tuple(word for (word, _, _), _ in ends),
            length=np.array([length for _, (_, length) in ends], np.int64),
            target=np.array([self._state[target] for (_, target, _), _ in ends], np.int64),
            end_weight=np.array([weight for _, (weight, _) in ends], np.float64),
            end_marks=tuple(marks for (_, _, marks), _ in ends),
            entries=Lists.of(list(map(len, entries))),
            tree=np.array([self._tree[state] for state, _, _ in flat], np.int64),
            entry_weight=np.array([weight for _, weight, _ in flat], np.float64),
            entry_marks=tuple(marks for _, _, marks in flat),
            roots=roots,
            final_weight=np.array([weight for weight, _ in finals], np.float64),
            final_marks=tuple(marks for _, marks in finals),
        )

    def _grow_trees(self) -> dict[int, _Node]:
        trees: dict[int, _Node] = {}
        spellings: dict[str, list[Spelling]] = {}
        if self._tokens.kind == "phones":
            said = {arc.word for arc in self._graph.words if arc.spelling is None}
            read_ahead(part for word in sorted(said) for part in words_of(word))
        write: Callable[[str], list[Spelling]] = partial(spell, tokens=self._tokens, place=self._graph.place)
        for arc in self._graph.words:
            if arc.spelling is None and arc.word not in spellings:
                spellings[arc.word] = write(arc.word)
            tree = trees.setdefault(arc.source, _Node(0, {}, {}))
            for spelling in spellings[arc.word] if arc.spelling is None else [arc.spelling]:
                _grow(tree, spelling, arc)
        return trees

    def _laid_out(self) -> tuple[list[_Node], Lists, Lists]:
        """Nodes in their final order, the roots of every tree and the children of every node."""
        before_all = _Node(len(self._tokens), {}, {("", self._graph.start, ()): (0.0, 0)})
        nodes = [before_all]
        for tree in self._trees.values():
            nodes += tree.children.values()
        roots = Lists.of([1, *(len(tree.children) for tree in self._trees.values())])
        children_first: list[int] = []
        for node in nodes:  # which grows while it is walked
            children_first.append(len(nodes))
            nodes += node.children.values()
        counts = np.array([len(node.children) for node in nodes], np.int64)
        return (
            nodes,
            Lists(roots.first[1:], roots.count[1:]),
            Lists(np.array(children_first, np.int64), counts),
        )

    def _followed(self) -> tuple[list[list[tuple[int, float, Marks]]], list[tuple[float, Marks]]]:
        """Per state the trees that skips lead to (state, weight, marks), and weight and marks of ending."""
        entries, finals, ways = [], [], 0
        for state in self._state:
            closure = self._closure(state)
            entries.append([(there, *way) for there, way in closure.items() if there in self._trees])
            finals.append(closure.get(self._graph.end, (float("-inf"), ())))
            ways += len(closure)
            if ways > WAY_LIMIT:
                raise GrammarError(
                    f"{self._graph.place}: more than {WAY_LIMIT} ways lead past optional words; "
                    "let fewer of them stand in a row"
                )
        return entries, finals

    def _closure(self, state: int) -> dict[int, tuple[float, Marks]]:
        """Every state that skips lead to, by the way of the highest weight; of equals, by the first."""
        found: dict[int, tuple[float, Marks]] = {}
        order = 0
        waiting: list[tuple[float, int, int, Marks]] = [(0.0, 0, state, ())]
        while waiting:
            cost, _, here, marks = heapq.heappop(waiting)
            if here in found:
                continue
            found[here] = (-cost, marks)
            for target, more, weight in self._skips.get(here, ()):
                order += 1
                heapq.heappush(waiting, (cost - weight, order, target, marks + more))
        return found


def _grow(tree: _Node, spelling: Spelling, arc: WordArc) -> None:
    node = tree
    for token in spelling:
        child = node.children.get(token)
        if child is None:
            child = node.children[token] = _Node(token, {}, {})
        node = child
    key = (arc.word, arc.target, arc.marks)
    weight = max(arc.weight, node.ends.get(key, (float("-inf"), 0))[0])
    node.ends[key] = (weight, len(spelling))
