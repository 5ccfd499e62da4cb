"""The smallest automaton that takes the sentences of a graph of words.

A graph after Thompson has the same word leave a state many times over and states that differ in nothing that
follows; a decoder that follows every arc by itself, as PocketSphinx does, then takes thirty times as long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from kws.grammar.word_graph import WordGraph

Row = dict[str, int]
"""Word -> the state that it leads to."""


@dataclass(frozen=True)
class Automaton:
    """States are numbers; from each at most one arc leaves with a word."""

    rows: list[Row]
    final: list[bool]
    """Whether a sentence may end in a state."""
    start: int = 0


def smallest(graph: WordGraph) -> Automaton:
    """For the same sentences; what the graph notes along its paths is lost, and so are weights."""
    return _minimized(_determinized(graph))


def _determinized(graph: WordGraph) -> Automaton:
    """Subset construction, Rabin and Scott 1959: a state is the set of states that some words lead to."""
    skips, arcs = defaultdict(list), defaultdict(list)
    for skip in graph.skips:
        skips[skip.source].append(skip.target)
    for arc in graph.words:
        arcs[arc.source].append(arc)

    def closed(states: Iterable[int]) -> frozenset[int]:
        reached = list(states)
        known = set(reached)
        for state in reached:
            reached += [target for target in skips[state] if target not in known]
            known.update(skips[state])
        return frozenset(known)

    numbers = {closed([graph.start]): 0}
    sets, rows = list(numbers), []
    for states in sets:
        targets = defaultdict(set)
        for arc in (arc for state in states for arc in arcs[state]):
            targets[arc.word].add(arc.target)
        row = {}
        for word, reached in targets.items():
            target = closed(reached)
            if target not in numbers:
                numbers[target] = len(sets)
                sets.append(target)
            row[word] = numbers[target]
        rows.append(row)
    return Automaton(rows, [graph.end in states for states in sets])


def _minimized(automaton: Automaton) -> Automaton:
    """Moore 1956: states part as long as a word leads from them to states that have parted."""
    classes = [int(final) for final in automaton.final]
    count = 0
    while count < len(set(classes)):
        count = len(set(classes))
        leading = [
            (classes[state], frozenset((word, classes[target]) for word, target in row.items()))
            for state, row in enumerate(automaton.rows)
        ]
        numbers = {key: number for number, key in enumerate(dict.fromkeys(leading))}
        classes = [numbers[key] for key in leading]
    one_of = {number: state for state, number in enumerate(classes)}
    rows = [
        {word: classes[target] for word, target in automaton.rows[one_of[number]].items()}
        for number in range(count)
    ]
    final = [automaton.final[one_of[number]] for number in range(count)]
    return Automaton(rows, final, classes[automaton.start])
