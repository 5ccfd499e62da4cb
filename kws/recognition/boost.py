"""Phrases that a user expects, made likelier: nats for every token that agrees with one, each phrase its own.

An automaton over token sequences (Aho and Corasick 1975), as sherpa-onnx has for its hot words. What a phrase
has earned so far is taken back when it is not completed, and kept once it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np

from kws.recognition.lexicon import Spelling
from kws.recognition.prefix import State
from kws.recognition.scorer import Scorer, Table


@dataclass(eq=False)
class _Node:
    """The beginning of some phrases."""

    earned: float = 0.0
    """For the tokens so far."""
    whole: bool = False
    children: dict[int, _Node] = field(default_factory=dict)
    fallback: _Node | None = None
    """The longest beginning of another phrase that ends alike; None at the root."""
    earns: Table | None = None
    """What each token adds to that, (tokens,), once somebody has asked."""


class Boosted:
    """A Scorer around another that adds what the phrases are worth.

    Args:
        scorer: what is scored without boosting.
        phrases: token sequence -> nats per token.
    """

    def __init__(self, scorer: Scorer, phrases: Mapping[Spelling, float]) -> None:
        self._scorer = scorer
        self._root = _automaton(phrases)

    def start(self) -> State:
        """No phrase begun."""
        return self._scorer.start(), self._root

    def ways(self, state: State, tokens: int) -> Table:
        """As the other scorer says, with what each token earns or loses."""
        inner, node = _parts(state)
        if node.earns is None:
            node.earns = np.array([self._follow(node, token).earned for token in range(tokens)]) - node.earned
        return self._scorer.ways(inner, tokens) + node.earns

    def follow(self, state: State, way: int, token: int) -> State:
        """As the other scorer says, and the phrases that this goes on with."""
        inner, node = _parts(state)
        after = self._follow(node, token)
        return self._scorer.follow(inner, way, token), (self._root if after.whole else after)

    def finish(self, state: State) -> float:
        """A phrase that has only begun earns nothing."""
        inner, node = _parts(state)
        return self._scorer.finish(inner) - node.earned

    def words(self, state: State) -> int:
        """As the other scorer says."""
        return self._scorer.words(_parts(state)[0])

    def outlook(self, state: State) -> Hashable:
        """The other scorer's, and what phrases have begun."""
        inner, node = _parts(state)
        return self._scorer.outlook(inner), node

    def _follow(self, node: _Node, token: int) -> _Node:
        here: _Node | None = node
        while here is not None and token not in here.children:
            here = here.fallback
        return here.children[token] if here is not None else self._root


def _parts(state: State) -> tuple[State, _Node]:
    assert isinstance(state, tuple)  # of ours; the other scorer's may be one too
    inner, node = state
    assert isinstance(node, _Node)
    return inner, node


def _automaton(phrases: Mapping[Spelling, float]) -> _Node:
    root = _Node()
    for phrase, nats in phrases.items():
        node = root
        for token in phrase:
            earned = node.earned + nats
            node = node.children.setdefault(token, _Node(earned))
            node.earned = max(node.earned, earned)
        node.whole = True
    _link_fallbacks(root)
    return root


def _link_fallbacks(root: _Node) -> None:
    """Breadth first, so that shorter beginnings are linked before longer ones need them."""
    waiting = deque(root.children.values())
    for child in waiting:
        child.fallback = root
    while waiting:
        node = waiting.popleft()
        for token, child in node.children.items():
            back = node.fallback
            while back is not None and token not in back.children:
                back = back.fallback
            child.fallback = back.children[token] if back is not None else root
            waiting.append(child)
