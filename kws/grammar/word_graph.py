"""A grammar as a graph of words: states joined by words and by skips that say nothing.

Construction after Thompson 1968, "Regular expression search algorithm". Every expression becomes as many
arcs as it has words, so the graph's size is that of the grammar's text and never that of its sentences.
Marks on the arcs tell afterwards which slots and which intent a path through the graph has filled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from kws.errors import GrammarError
from kws.grammar.depth import within_stack
from kws.grammar.expression import (
    AnyOrder,
    AnyWords,
    Choice,
    Expression,
    Grammar,
    Repeat,
    Sequence,
    Slot,
    Word,
    is_optional,
    required,
)

ARC_LIMIT = 300_000
"""Words and skips in one graph; rules that contain rules many times over may pass it."""


@dataclass(frozen=True)
class Mark:
    """Something to note when a path passes."""

    kind: str
    """open: a slot's words begin; close: they end; set: a slot has this value; intent: what it all means."""
    name: str
    value: str = ""


Marks = tuple[Mark, ...]
Spelling = tuple[int, ...]
"""A word in tokens."""

OPEN = "…"
"""Stands on an arc for any words; no word is written so."""


@dataclass(frozen=True)
class WordArc:
    """One word from state to state."""

    source: int
    target: int
    word: str
    marks: Marks = ()
    """To note once the word is over."""
    weight: float = 0.0
    """Natural logarithm, added to the path's score."""
    spelling: Spelling | None = None
    """Its tokens, where they are not those of the word's pronunciations."""


@dataclass(frozen=True)
class Skip:
    """From state to state without a word."""

    source: int
    target: int
    marks: Marks = ()
    weight: float = 0.0


@dataclass
class WordGraph:
    """States are numbers; paths lead from `start` to `end`."""

    place: str
    words: list[WordArc] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    states: int = 2
    start: int = 0
    end: int = 1

    def new_state(self) -> int:
        """The number of another state."""
        self.states += 1
        return self.states - 1

    def skip(self, source: int, target: int, marks: Marks = (), weight: float = 0.0) -> None:
        """A way without a word."""
        self.skips.append(Skip(source, target, marks, weight))

    def add(self, item: Expression, source: int, target: int, marks: Marks = ()) -> None:
        """All that the item may say, as paths from source to target that note the marks at their ends."""
        self._check_size()
        if isinstance(item, Word):
            self.words.append(WordArc(source, target, item.text, marks))
        elif isinstance(item, AnyWords):
            self.words.append(WordArc(source, target, OPEN, marks))
        elif isinstance(item, Sequence):
            self._add_sequence(item.items, source, target, marks)
        elif isinstance(item, Choice):
            self._add_choice(item, source, target, marks)
        elif isinstance(item, Repeat):
            self._add_repeat(item, source, target, marks)
        elif isinstance(item, AnyOrder):
            self._add_any_order(item.items, source, target, marks)
        elif isinstance(item, Slot):
            self._add_slot(item, source, target, marks)
        else:
            raise TypeError(f"no graph for {type(item).__name__}")

    def _add_sequence(self, items: tuple[Expression, ...], source: int, target: int, marks: Marks) -> None:
        if not items:
            self.skip(source, target, marks)
            return
        for item in items[:-1]:
            following = self.new_state()
            self.add(item, source, following)
            source = following
        self.add(items[-1], source, target, marks)

    def _add_choice(self, choice: Choice, source: int, target: int, marks: Marks) -> None:
        if not choice.weights:
            for item in choice.items:
                self.add(item, source, target, marks)
            return
        for item, odds in zip(choice.items, choice.weights, strict=True):
            if odds > 0:
                branch = self.new_state()
                self.skip(source, branch, weight=math.log(odds))
                self.add(item, branch, target, marks)

    def _add_repeat(self, repeat: Repeat, source: int, target: int, marks: Marks) -> None:
        before, after = self.new_state(), self.new_state()
        self.skip(source, before)
        self.add(repeat.item, before, after)
        self.skip(after, before)
        self.skip(after, target, marks)
        if repeat.at_least == 0:
            self.skip(source, target, marks)

    def _add_any_order(self, items: tuple[Expression, ...], source: int, target: int, marks: Marks) -> None:
        """One state for each set of items already said: 2^n states for n items, where their orders are n!."""
        everything = (1 << len(items)) - 1
        needed = sum(1 << number for number, item in enumerate(items) if not is_optional(item))
        state = {0: source}
        for said in range(everything + 1):
            if said not in state:
                state[said] = self.new_state()
            self._check_size()
        for said, here in state.items():
            if said & needed == needed:
                self.skip(here, target, marks)
            for number, item in enumerate(items):
                if not said >> number & 1:
                    self.add(required(item), here, state[said | 1 << number])

    def _add_slot(self, slot: Slot, source: int, target: int, marks: Marks) -> None:
        if slot.value is not None:
            self.add(slot.item, source, target, (Mark("set", slot.name, slot.value), *marks))
            return
        inside = self.new_state()
        self.skip(source, inside, (Mark("open", slot.name),))
        self.add(slot.item, inside, target, (Mark("close", slot.name), *marks))

    def _check_size(self) -> None:
        if self.states + len(self.words) + len(self.skips) > ARC_LIMIT:
            raise GrammarError(
                f"{self.place}: its graph has more than {ARC_LIMIT} words; "
                "say less in free order, list fewer values, or name rules less often inside others"
            )


def word_graph(grammar: Grammar) -> WordGraph:
    """The graph of all intents; a path notes its intent, and the slots that go with it, at its end.

    Raises:
        GrammarError: it grows too large, or no sentence is left that can be said.
    """
    graph = WordGraph(grammar.place)
    for intent in grammar.intents:
        fixed = tuple(Mark("set", name, value) for name, value in intent.slots.items())
        said = graph.new_state()
        with within_stack(grammar.place):
            graph.add(intent.sentences, graph.start, said)
        graph.skip(said, graph.end, (Mark("intent", intent.name), *fixed))
    without_dead_ends(graph)
    if not graph.words:
        raise GrammarError(f"{grammar.place}: there is no sentence with a word in it; write one")
    return graph


def without_dead_ends(graph: WordGraph) -> None:
    """Take out words and skips by which no sentence can be completed."""
    arcs = [(word.source, word.target) for word in graph.words]
    arcs += [(skip.source, skip.target) for skip in graph.skips]
    alive = _reached(graph.start, arcs) & _reached(graph.end, [(target, source) for source, target in arcs])
    graph.words = [arc for arc in graph.words if arc.source in alive and arc.target in alive]
    graph.skips = [skip for skip in graph.skips if skip.source in alive and skip.target in alive]


def _reached(first: int, arcs: Iterable[tuple[int, int]]) -> set[int]:
    """States that arcs, each from the first of two to the second, lead to."""
    following: dict[int, list[int]] = {}
    for source, target in arcs:
        following.setdefault(source, []).append(target)
    reached, waiting = {first}, [first]
    while waiting:
        for target in following.get(waiting.pop(), ()):
            if target not in reached:
                reached.add(target)
                waiting.append(target)
    return reached
