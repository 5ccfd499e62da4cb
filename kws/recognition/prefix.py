"""What a prefix beam keeps: token sequences as chains, each link one token."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple
from weakref import ReferenceType, ref

from kws.recognition.log_domain import NEVER

State = Hashable
"""What a scorer knows of a prefix."""


class Prefix:
    """A token sequence, as a link to the one that is shorter by a token. Compared by identity.

    It knows those that are longer only weakly: without cycles what is dropped is freed at once, and the
    collector of cycles, which would look through the whole lexicon each time, has nothing to do.
    """

    __slots__ = (
        "__weakref__",
        "_arrivals",
        "_children",
        "bonus",
        "length",
        "parent",
        "state",
        "token",
        "way",
    )

    def __init__(self, parent: Prefix | None, token: int, way: int, state: State, bonus: float) -> None:
        self.parent, self.token, self.way, self.state = parent, token, way, state
        self.bonus = bonus
        """All that the scorer has added so far, nats."""
        self.length: int = parent.length + 1 if parent else 0
        """Tokens."""
        self._arrivals: dict[int, Arrival] = {}
        self._children: dict[tuple[int, int], ReferenceType[Prefix]] = {}

    @property
    def step(self) -> int:
        """The step at which the last token was most likely begun."""
        return self.parent._arrivals[self.token].step if self.parent else 0

    @property
    def peak(self) -> float:
        """ln of the token's probability at that step."""
        return self.parent._arrivals[self.token].peak if self.parent else NEVER

    def arrive(self, token: int, log_prob: float, peak: float, step: int) -> None:
        """Alignments of this probability begin a token after the prefix; `peak` is ln of its own."""
        known = self._arrivals.get(token)
        if known is None or log_prob > known.log_prob:
            self._arrivals[token] = Arrival(log_prob, peak, step)

    def child(self, token: int, way: int, state: State, bonus: float) -> Prefix:
        """The prefix that is longer by this token, the same as long as anything knows it."""
        known = self._children.get((token, way))
        found = known() if known else None
        if found is None:
            found = Prefix(self, token, way, state, bonus)
            self._children[token, way] = ref(found)
        return found

    def chain(self) -> list[Prefix]:
        """From the first token's prefix to this one."""
        found: list[Prefix] = []
        here: Prefix = self
        while here.parent is not None:
            found.append(here)
            here = here.parent
        return found[::-1]


class Arrival(NamedTuple):
    """Where a token was most likely begun."""

    log_prob: float
    """ln of the alignments that began it there."""
    peak: float
    step: int


@dataclass(frozen=True)
class Hypothesis:
    """A prefix and how likely it is."""

    prefix: Prefix
    acoustic: float
    """ln of its probability over all alignments."""
    score: float
    """With what the scorer adds; what hypotheses are ranked by."""

    @property
    def tokens(self) -> tuple[int, ...]:
        """Columns."""
        return tuple(prefix.token for prefix in self.prefix.chain())
