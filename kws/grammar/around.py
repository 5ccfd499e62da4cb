"""What may be heard around a sentence: the end of a wake word before it, other speech on both sides."""

from __future__ import annotations

from collections.abc import Iterable

from kws.grammar.word_graph import Spelling, WordArc, WordGraph


def add_lead_in(graph: WordGraph, spellings: Iterable[Spelling]) -> None:
    """One of these may be said before the sentence, as no word and at no cost."""
    start = graph.start
    graph.start = graph.new_state()
    graph.skip(graph.start, start)
    for spelling in spellings:
        graph.words.append(WordArc(graph.start, start, "", spelling=spelling))


def add_fillers(graph: WordGraph, tokens: int, cost: float) -> None:
    """Any tokens may be said before and after the sentence, each of so many for this many nats."""
    before, after = graph.new_state(), graph.new_state()
    for state in (before, after):
        for token in range(1, tokens):
            graph.words.append(WordArc(state, state, "", weight=-cost, spelling=(token,)))
    graph.skip(before, graph.start)
    graph.skip(graph.end, after)
    graph.start, graph.end = before, after
