"""CTC prefix beam search, in the log domain.

Hannun et al. 2014, "First-pass large vocabulary continuous speech recognition using bi-directional recurrent
DNNs". Every prefix keeps two probabilities: of all alignments that end in a blank, and of those that end in
its last token. What a scorer adds (a language model, word insertion, boosted phrases) counts as soon as a
prefix is made.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from typing import Protocol

import numpy as np

from kws.recognition.log_domain import NEVER, log_add
from kws.recognition.tokens import BLANK, LogProbs

State = Hashable
"""What a scorer knows of a prefix."""


class Scorer(Protocol):
    """Which tokens may follow a prefix, and what that is worth in nats."""

    def start(self) -> State:
        """The state of the empty prefix."""

    def extend(self, state: State, token: int, /) -> Sequence[tuple[State, float]]:
        """Every reading of the prefix with this token added, with its nats; none where it is not allowed."""

    def finish(self, state: State, /) -> float:
        """Nats of ending here; minus infinity where the prefix is no whole text."""

    def words(self, state: State, /) -> int:
        """Words so far, by which a score may be normalized."""


class AnyText:
    """A Scorer that allows everything and adds nothing."""

    def start(self) -> State:
        """There is one state only."""
        return None

    def extend(self, state: State, token: int) -> Sequence[tuple[State, float]]:
        """Any token."""
        return ((None, 0.0),)

    def finish(self, state: State) -> float:
        """Anywhere."""
        return 0.0

    def words(self, state: State) -> int:
        """None are known."""
        return 0


@dataclass(frozen=True)
class PrefixBeamConfig:
    """How much is kept from step to step."""

    beam: int = 8
    """Prefixes."""
    least: float = 5.0
    """Nats below the likeliest token of a step at which another is not tried."""
    slack: float = 3.0
    """Nats below the last prefix of the beam, before the scorer, at which another is not even made."""
    length_exponent: float = 0.0
    """In the end scores are divided by the words to this power (after Wu et al. 2016); 0: they are not."""


class Prefix:
    """A token sequence, as a link to the one that is shorter by a token. Compared by identity."""

    __slots__ = ("_arrival", "_children", "bonus", "parent", "peak", "state", "step", "token")

    def __init__(self, parent: Prefix | None, token: int, state: State, bonus: float, step: int) -> None:
        self.parent, self.token, self.state = parent, token, state
        self.bonus = bonus
        """All that the scorer has added so far, nats."""
        self.step = step
        """The step at which the last token was most likely begun."""
        self.peak = NEVER
        """ln of the token's probability at that step."""
        self._arrival = NEVER
        self._children: dict[int, tuple[Prefix, ...]] = {}

    def children(self, token: int, scorer: Scorer, step: int) -> tuple[Prefix, ...]:
        """The prefixes that are longer by this token, made when first asked for."""
        found = self._children.get(token)
        if found is None:
            found = tuple(
                Prefix(self, token, state, self.bonus + nats, step)
                for state, nats in scorer.extend(self.state, token)
            )
            self._children[token] = found
        return found

    def arrive(self, log_prob: float, peak: float, step: int) -> None:
        """Alignments of this probability begin the last token at a step."""
        if log_prob > self._arrival:
            self._arrival, self.peak, self.step = log_prob, peak, step

    def chain(self) -> list[Prefix]:
        """From the first token's prefix to this one."""
        found: list[Prefix] = []
        here: Prefix = self
        while here.parent is not None:
            found.append(here)
            here = here.parent
        return found[::-1]


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


class PrefixBeam:
    """A streaming search: `push` log-probabilities, then ask for `best` or `finished`."""

    def __init__(self, scorer: Scorer | None = None, config: PrefixBeamConfig | None = None) -> None:
        self.scorer = scorer or AnyText()
        self.config = config or PrefixBeamConfig()
        self.reset()

    def push(self, log_probs: LogProbs) -> None:
        """Move all prefixes on by these steps, shape (steps, tokens)."""
        for row in log_probs:
            floor = float(row.max()) - self.config.least
            tokens = [token for token in np.argsort(-row).tolist() if token != BLANK and row[token] >= floor]
            self._advance(row.tolist(), tokens)
            self.step += 1

    def reset(self) -> None:
        """As new: before the first step."""
        self.step = 0
        self._root = Prefix(None, BLANK, self.scorer.start(), 0.0, 0)
        # Prefix -> ln of the alignments that end in a blank, and in its last token.
        self._beam: dict[Prefix, tuple[float, float]] = {self._root: (0.0, NEVER)}

    def best(self) -> Prefix:
        """The best prefix now, whole text or not."""
        return next(iter(self._beam))

    def settled(self) -> Prefix:
        """The longest prefix of all that are kept: no later step can take it back."""
        depth = {prefix: len(prefix.chain()) for prefix in self._beam}
        while len(depth) > 1:
            deepest = max(depth, key=depth.__getitem__)
            length = depth.pop(deepest)
            if deepest.parent is not None:
                depth[deepest.parent] = length - 1
        return next(iter(depth))

    def finished(self) -> list[Hypothesis]:
        """Whole texts that could end now, the best first."""
        found = []
        for prefix, (blank, token) in self._beam.items():
            acoustic = log_add(blank, token)
            score = acoustic + prefix.bonus + self.scorer.finish(prefix.state)
            if score > NEVER:
                length = max(1, self.scorer.words(prefix.state)) ** self.config.length_exponent
                found.append(Hypothesis(prefix, acoustic, score / length))
        return sorted(found, key=lambda hypothesis: -hypothesis.score)

    def _advance(self, row: list[float], tokens: list[int]) -> None:
        """One step; `tokens` are those to be tried besides the blank."""
        blanks: dict[Prefix, float] = {}
        said: dict[Prefix, float] = {}
        reaches: list[tuple[float, Prefix, int]] = []
        for prefix, (blank, token) in self._beam.items():
            total = log_add(blank, token)
            blanks[prefix] = total + row[BLANK]
            if token > NEVER:
                said[prefix] = token + row[prefix.token]
            # After its own token a prefix repeats it only across a blank.
            reaches += [((blank if new == prefix.token else total) + row[new], prefix, new) for new in tokens]
        floor = self._floor(blanks, said, reaches)
        for reach, prefix, new in reaches:
            if reach + prefix.bonus >= floor and reach > NEVER:
                for child in prefix.children(new, self.scorer, self.step):
                    said[child] = log_add(said.get(child, NEVER), reach)
                    child.arrive(reach, row[new], self.step)
        self._beam = self._pruned(blanks, said)

    def _floor(
        self, blanks: dict[Prefix, float], said: dict[Prefix, float], reaches: list[tuple[float, Prefix, int]]
    ) -> float:
        """What a new prefix must reach to be made: about as much as the last one that will be kept."""
        scores = [log_add(value, said.get(prefix, NEVER)) + prefix.bonus for prefix, value in blanks.items()]
        scores += [reach + prefix.bonus for reach, prefix, _ in reaches]
        best = nlargest(self.config.beam, scores)
        return best[-1] - self.config.slack if len(best) == self.config.beam else NEVER

    def _pruned(
        self, blanks: dict[Prefix, float], said: dict[Prefix, float]
    ) -> dict[Prefix, tuple[float, float]]:
        """The best prefixes, best first."""
        scored = [
            (-log_add(blanks.get(prefix, NEVER), said.get(prefix, NEVER)) - prefix.bonus, place, prefix)
            for place, prefix in enumerate({**blanks, **said})
        ]
        scored.sort()  # never down to the prefixes: no place stands twice
        return {
            prefix: (blanks.get(prefix, NEVER), said.get(prefix, NEVER))
            for _, _, prefix in scored[: self.config.beam]
        }
