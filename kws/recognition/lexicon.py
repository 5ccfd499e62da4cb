"""Words by their spellings in tokens, as a tree; each node knows the likeliest of the words below it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kws.recognition.log_domain import NEVER

Spelling = tuple[int, ...]


@dataclass(eq=False)
class LexiconNode:
    """The beginning of some words."""

    children: dict[int, LexiconNode] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    """That end here."""
    best: float = NEVER
    """Highest ln p among the words at this node or below it, by themselves."""


def lexicon_tree(spellings: Mapping[str, Iterable[Spelling]], log_prob: Mapping[str, float]) -> LexiconNode:
    """The root of all words' spellings; `log_prob` are the words' own, for `LexiconNode.best`."""
    root = LexiconNode()
    for word, ways in spellings.items():
        value = log_prob.get(word, NEVER)
        for spelling in ways:
            node = root
            node.best = max(node.best, value)
            for token in spelling:
                node = node.children.setdefault(token, LexiconNode())
                node.best = max(node.best, value)
            node.words.append(word)
    return root


def with_lead_in(root: LexiconNode, spellings: Iterable[Spelling]) -> LexiconNode:
    """Another root over the same words, from which these spellings may be said too, as the word ""."""
    start = _copy(root)
    for spelling in spellings:
        node = start
        for token in spelling:
            known = node.children.get(token)
            node.children[token] = _copy(known) if known else LexiconNode(best=0.0)
            node = node.children[token]
            node.best = 0.0  # nothing to say against it in advance
        node.words.append("")
    return start


def _copy(node: LexiconNode) -> LexiconNode:
    return LexiconNode(dict(node.children), list(node.words), node.best)
