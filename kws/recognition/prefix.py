"""What a prefix beam keeps: token sequences as chains, each link one token."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import nlargest
from weakref import ReferenceType, ref

from kws.recognition.log_domain import NEVER

State = Hashable
"""What a scorer knows of a prefix."""
CLOSE = 6.0
"""Nats behind its better at which a rival is still remembered."""


class Prefix:
    """A token sequence, as a link to the one that is shorter by a token. Compared by identity.

    It knows those that are longer only weakly: without cycles what is dropped is freed at once, and the
    collector of cycles, which would look through the whole lexicon each time, has nothing to do.
    """

    __slots__ = (
        "__weakref__",
        "_children",
        "_reach",
        "bonus",
        "length",
        "parent",
        "peak",
        "rivals",
        "state",
        "step",
        "token",
        "way",
    )

    def __init__(self, parent: Prefix | None, token: int, way: int, state: State, bonus: float) -> None:
        self.parent, self.token, self.way, self.state = parent, token, way, state
        self.bonus = bonus
        """All that the scorer has added so far, nats."""
        self.length: int = parent.length + 1 if parent else 0
        """Tokens."""
        self.rivals: dict[Prefix, float] = {}
        """Others with the same future, which were dropped, and how many nats they were ahead: 0 or less."""
        self.step = 0
        """The step at which the last token was most likely begun."""
        self.peak = NEVER
        """ln of the token's probability at that step."""
        self._reach = NEVER
        self._children: dict[tuple[int, int], ReferenceType[Prefix]] = {}

    def arrive(self, reach: float, peak: float, step: int) -> None:
        """Alignments of this probability (ln) begin the last token now; `peak` is ln of its own."""
        if reach > self._reach:
            self._reach, self.peak, self.step = reach, peak, step

    def child(self, token: int, way: int, state: State, bonus: float) -> Prefix:
        """The prefix that is longer by this token, the same as long as anything knows it."""
        known = self._children.get((token, way))
        found = known() if known else None
        if found is None:
            found = Prefix(self, token, way, state, bonus)
            self._children[token, way] = ref(found)
        return found

    def beat(self, rival: Prefix, nats: float) -> None:
        """What may follow is the same to both, and the other is behind by so many nats (0 or less)."""
        rival.rivals.pop(self, None)  # which it was when they met before
        if nats >= -CLOSE:  # met again, it comes with its latest alignments alone
            self.rivals[rival] = max(nats, self.rivals.get(rival, nats))

    def chain(self) -> list[Prefix]:
        """From the first token's prefix to this one."""
        found: list[Prefix] = []
        here: Prefix = self
        while here.parent is not None:
            found.append(here)
            here = here.parent
        return found[::-1]


def common_beginning(prefixes: Iterable[Prefix]) -> Prefix:
    """The longest with which all of these begin."""
    of_length: defaultdict[int, set[Prefix]] = defaultdict(set)
    for prefix in prefixes:
        of_length[prefix.length].add(prefix)
    here = of_length.pop(max(of_length))
    while len(here) > 1 or of_length:  # the longest become a token shorter, and meet those that are as long
        here = {prefix.parent for prefix in here if prefix.parent}
        here |= of_length.pop(next(iter(here)).length, set())
    return here.pop()


@dataclass(frozen=True)
class Hypothesis:
    """A token sequence and how likely it is."""

    prefix: Prefix
    acoustic: float
    """ln of its probability over all alignments."""
    score: float
    """With what the scorer adds; what hypotheses are ranked by."""
    links: tuple[Prefix, ...]
    """One a token: the prefix's chain, or that of a rival up to where they met."""

    @property
    def tokens(self) -> tuple[int, ...]:
        """Columns."""
        return tuple(link.token for link in self.links)


def with_rivals(found: Sequence[Hypothesis], most: int) -> list[Hypothesis]:
    """These, and so many of what they would be with a rival in place of a part, the best first.

    From where two have met they stay as many nats apart, so a rival's score is known, nearly, without having
    followed it.
    """
    swaps = [
        (nats, place, rival, whole)
        for whole in found
        for place, link in enumerate(whole.links)
        for rival, nats in link.rivals.items()
    ]
    swapped = [
        replace(whole, score=whole.score + nats, links=(*rival.chain(), *whole.links[place + 1 :]))
        for nats, place, rival, whole in nlargest(most, swaps, key=lambda swap: swap[0] + swap[3].score)
    ]
    return sorted([*found, *swapped], key=lambda hypothesis: -hypothesis.score)
