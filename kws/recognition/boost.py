"""Phrases that a user expects, made likelier: nats for every token that agrees with one, each phrase its own.

An automaton over token sequences (Aho and Corasick 1975), as sherpa-onnx has for its hot words. What a phrase
has earned so far is taken back when it is not completed, and kept once it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from kws.recognition.lexicon import Spelling
from kws.recognition.prefix import State
from kws.recognition.prefix_beam import Scorer


@dataclass(eq=False)
class _Node:
    """The beginning of some phrases."""

    earned: float = 0.0
    """For the tokens so far."""
    whole: bool = False
    children: dict[int, _Node] = field(default_factory=dict)
    fallback: _Node | None = None
    """The longest beginning of another phrase that ends alike; None at the root."""


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

    def extend(self, state: State, token: int) -> Sequence[tuple[State, float]]:
        """As the other scorer says, with what this token earns or loses."""
        inner, node = _parts(state)
        following, nats = self._follow(node, token)
        return [((after, following), more + nats) for after, more in self._scorer.extend(inner, token)]

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

    def _follow(self, node: _Node, token: int) -> tuple[_Node, float]:
        before = node.earned
        here: _Node | None = node
        while here is not None and token not in here.children:
            here = here.fallback
        after = here.children[token] if here is not None else self._root
        return (self._root if after.whole else after), after.earned - before


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
