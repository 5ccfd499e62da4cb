"""The part of a grammar that says one text and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kws.errors import GrammarError
from kws.grammar.word_graph import WordGraph, without_dead_ends


def saying(graph: WordGraph, words: Sequence[str]) -> WordGraph:
    """All paths of a graph whose words are these, with their marks and weights.

    The product of two automata (Hopcroft and Ullman 1979), the graph and the words one after the other: as
    many states as pairs of one of its states and a place in the text that are reached.

    Args:
        graph: of a grammar without places for any words.
        words: of the text.

    Raises:
        GrammarError: the text is not in the grammar.
    """
    spoken: dict[int, list[int]] = {}
    for number, arc in enumerate(graph.words):
        spoken.setdefault(arc.source, []).append(number)
    skipped: dict[int, list[int]] = {}
    for number, skip in enumerate(graph.skips):
        skipped.setdefault(skip.source, []).append(number)

    only = WordGraph(graph.place)
    known = {(graph.start, 0): only.start, (graph.end, len(words)): only.end}

    def state(pair: tuple[int, int]) -> int:
        if pair not in known:
            known[pair] = only.new_state()
        if pair not in seen:
            seen.add(pair)
            waiting.append(pair)
        return known[pair]

    seen, waiting = {(graph.start, 0)}, [(graph.start, 0)]
    while waiting:
        here, said = waiting.pop()
        source = known[here, said]
        for skip in (graph.skips[number] for number in skipped.get(here, ())):
            only.skips.append(replace(skip, source=source, target=state((skip.target, said))))
        for arc in (graph.words[number] for number in spoken.get(here, ())):
            if said < len(words) and arc.word == words[said]:
                only.words.append(replace(arc, source=source, target=state((arc.target, said + 1))))
    without_dead_ends(only)
    if not only.words:
        raise GrammarError(f"{graph.place}: {' '.join(words)!r} is not in the grammar")
    return only
