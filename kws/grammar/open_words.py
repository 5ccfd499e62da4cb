"""Places of a grammar where any words may be said: loops over all tokens, which fit any sound at a price.

A loop is as large as there are tokens, whatever is said in it; which words they were is found out afterwards
(kws.recognition.open_words). Each token costs something, or else no word of the grammar would ever be
preferred to it.
"""

from __future__ import annotations

from kws.errors import GrammarError
from kws.grammar.word_graph import OPEN, WordArc, WordGraph

OPEN_COST = 3.0
"""Nats for each token (docs/experiments/wildcards.md)."""
OPEN_LIMIT = 2_000
"""Such places in one graph; each is as many nodes as there are tokens."""


def open_up(graph: WordGraph, tokens: int, cost: float) -> None:
    """Put a loop of tokens in the place of every arc that stands for any words; GrammarError for too many."""
    arcs = [arc for arc in graph.words if arc.word == OPEN]
    if len(arcs) > OPEN_LIMIT:
        raise GrammarError(
            f"{graph.place}: wildcards stand in {len(arcs)} places, {OPEN_LIMIT} at most; "
            "name them less often, above all not in rules that stand in many places"
        )
    graph.words = [arc for arc in graph.words if arc.word != OPEN]
    for arc in arcs:
        before, after = graph.new_state(), graph.new_state()
        graph.skip(arc.source, before)
        for token in range(1, tokens):
            graph.words.append(WordArc(before, after, OPEN, weight=arc.weight - cost, spelling=(token,)))
        graph.skip(after, before)
        graph.skip(after, arc.target, arc.marks)
