"""Words by their spellings in tokens, as a tree; each node knows the likeliest of the words below it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kws.recognition.log_domain import NEVER

Spelling = tuple[int, ...]
Node = int

ROOT: Node = 0
_TOKENS = 1 << 10  # more than any token set has


class Lexicon:
    """Nodes are numbers, the tree is one table: many small objects would keep the garbage collector busy.

    Args:
        spellings: of every word, in tokens.
        log_prob: ln p of the words by themselves, for `best`.
    """

    def __init__(self, spellings: Mapping[str, Iterable[Spelling]], log_prob: Mapping[str, float]) -> None:
        self._child: dict[int, Node] = {}
        self._words: dict[Node, tuple[str, ...]] = {}
        self._best = [NEVER]
        for word, ways in spellings.items():
            for spelling in ways:
                self._add(ROOT, spelling, word, log_prob.get(word, NEVER))

    def child(self, node: Node, token: int) -> Node | None:
        """The node after this token."""
        return self._child.get(node * _TOKENS + token)

    def children(self, node: Node, tokens: int) -> Iterator[tuple[int, Node]]:
        """Every one of so many tokens that may follow, and the node after it."""
        for token in range(tokens):
            child = self.child(node, token)
            if child is not None:
                yield token, child

    def words(self, node: Node) -> tuple[str, ...]:
        """Those that end here."""
        return self._words.get(node, ())

    def best(self, node: Node) -> float:
        """Highest ln p among the words at this node or below it."""
        return self._best[node]

    def with_lead_in(self, spellings: Iterable[Spelling]) -> Node:
        """Another root of the same words, from which these spellings may be said too, as the word ""."""
        start = self._copy(ROOT)
        for spelling in spellings:
            node = start
            for token in spelling:
                known = self.child(node, token)
                # A path of its own: from the other root these spellings are no word.
                below = known if known is not None and known > start else self._copy(known)
                self._child[node * _TOKENS + token] = node = below
                self._best[node] = 0.0  # nothing to say against it in advance
            self._words[node] = (*self.words(node), "")
        return start

    def _add(self, node: Node, spelling: Spelling, word: str, log_prob: float) -> None:
        for token in (None, *spelling):
            if token is not None:
                node = self._child.setdefault(node * _TOKENS + token, len(self._best))
                if node == len(self._best):
                    self._best.append(NEVER)
            self._best[node] = max(self._best[node], log_prob)
        self._words[node] = (*self.words(node), word)

    def _copy(self, node: Node | None) -> Node:
        """A new node with the same children and words, or with none."""
        made = len(self._best)
        self._best.append(NEVER if node is None else self._best[node])
        if node is not None:
            self._words[made] = self.words(node)
            for token, child in self.children(node, _TOKENS):
                self._child[made * _TOKENS + token] = child
        return made
