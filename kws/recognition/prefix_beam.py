"""CTC prefix beam search, in the log domain.

Hannun et al. 2014, "First-pass large vocabulary continuous speech recognition using bi-directional recurrent
DNNs". Every prefix keeps two probabilities: of all alignments that end in a blank, and of those that end in
its last token. What a scorer adds (a language model, word insertion, boosted phrases) counts as soon as a
prefix is made.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from kws.recognition.log_domain import NEVER, log_add
from kws.recognition.prefix import Hypothesis, Prefix, State, common_beginning, with_rivals
from kws.recognition.tokens import BLANK, LogProbs

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


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

    def outlook(self, state: State, /) -> Hashable:
        """All of a state that later answers depend on, but for how many words there are."""


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

    def outlook(self, state: State) -> Hashable:
        """Always the same."""
        return None


@dataclass(frozen=True)
class PrefixBeamConfig:
    """How much is kept from step to step."""

    beam: int = 8
    """Prefixes."""
    least: float = 5.0
    """Nats below the likeliest token of a step at which another is not tried."""
    slack: float = 3.0
    """Nats below the last prefix of the beam, before the scorer, at which another is not even made."""
    merge: bool = False
    """Of prefixes with the same last token and the same outlook only the best is kept, and those that it beat
    are remembered: nothing that follows can tell them apart (as decoders of flashlight-text do)."""
    length_exponent: float = 0.0
    """In the end scores are divided by the words to this power (after Wu et al. 2016); 0: they are not."""


class _Kept:
    """The prefixes that a step leaves, the best first, and arrays with a value for each.

    Args:
        prefixes: which.
        blank: ln of the alignments of each that end in a blank.
        said: and of those that end in its last token.
    """

    def __init__(self, prefixes: list[Prefix], blank: Floats, said: Floats) -> None:
        self.prefixes, self.blank, self.said = prefixes, blank, said
        self.total: Floats = np.logaddexp(blank, said)
        self.token: Indices = np.array([prefix.token for prefix in prefixes])
        self.bonus: Floats = np.array([prefix.bonus for prefix in prefixes])


class _Fresh(NamedTuple):
    """A prefix that is not in the beam and might be from now on."""

    score: float
    reach: float
    """ln of its alignments, all of which begin its last token now."""
    parent: Prefix
    token: int
    way: int
    state: State
    nats: float

    def itself(self) -> Prefix:
        """Once it is sure that it is needed: most are not."""
        return self.parent.child(self.token, self.way, self.state, self.parent.bonus + self.nats)


class PrefixBeam:
    """A streaming search: `push` log-probabilities, then ask for `best` or `finished`."""

    def __init__(self, scorer: Scorer | None = None, config: PrefixBeamConfig | None = None) -> None:
        self.scorer = scorer or AnyText()
        self.config = config or PrefixBeamConfig()
        self.reset()

    def push(self, log_probs: LogProbs) -> None:
        """Move all prefixes on by these steps, shape (steps, tokens)."""
        for row in log_probs.astype(np.float64):
            tried = row >= row.max() - self.config.least
            tried[BLANK] = False
            self._advance(row, np.flatnonzero(tried))
            self.step += 1

    def reset(self) -> None:
        """As new: before the first step."""
        self.step = 0
        root = Prefix(None, BLANK, 0, self.scorer.start(), 0.0)
        self._kept = _Kept([root], np.zeros(1), np.full(1, NEVER))

    def best(self) -> Prefix:
        """The best prefix now, whole text or not."""
        return self._kept.prefixes[0]

    def settled(self) -> Prefix:
        """The longest prefix of all that are kept: no later step can take it back."""
        return common_beginning(self._kept.prefixes)

    def undisputed(self) -> Prefix:
        """The same of all that are kept and their rivals, which a rescorer may prefer in the end."""
        links = {link for prefix in self._kept.prefixes for link in prefix.chain()}
        return common_beginning([*self._kept.prefixes, *(rival for link in links for rival in link.rivals)])

    def finished(self) -> list[Hypothesis]:
        """Whole texts that could end now, the best first."""
        found = []
        for prefix, acoustic in zip(self._kept.prefixes, self._kept.total.tolist(), strict=True):
            score = acoustic + prefix.bonus + self.scorer.finish(prefix.state)
            if score > NEVER:
                length = max(1, self.scorer.words(prefix.state)) ** self.config.length_exponent
                found.append(Hypothesis(prefix, acoustic, score / length, tuple(prefix.chain())))
        return with_rivals(found, self.config.beam)

    def _advance(self, row: Floats, tokens: Indices) -> None:
        """One step; `tokens` are those to be tried besides the blank."""
        now = self._kept
        blank, said = now.total + row[BLANK], now.said + row[now.token]
        stay_scores = np.logaddexp(blank, said) + now.bonus
        # After its own token a prefix repeats it only across a blank.
        repeats = now.token[:, None] == tokens
        reach = np.where(repeats, now.blank[:, None], now.total[:, None]) + row[tokens]
        scores = reach + now.bonus[:, None]
        floor = self._last(np.append(stay_scores, scores)) - self.config.slack
        places, columns = np.nonzero((scores >= floor) & (reach > NEVER))
        new = tokens[columns]
        arrivals = zip(
            places.tolist(), new.tolist(), reach[places, columns].tolist(), row[new].tolist(), strict=True
        )
        fresh = self._arrived(arrivals, said, self._last(stay_scores))
        self._kept = self._best(blank, said, fresh)

    def _last(self, scores: Floats) -> float:
        """What the last of the beam has if there is nothing else to choose from."""
        last = len(scores) - self.config.beam
        return float(np.partition(scores, last)[last]) if last >= 0 else NEVER

    def _arrived(
        self, arrivals: Iterable[tuple[int, int, float, float]], said: Floats, least: float
    ) -> list[_Fresh]:
        """Prefixes of at least that score which are not in the beam; to those that are, `said` is added.

        Args:
            arrivals: place of a prefix, the token that follows, ln of the alignments and of the token.
        """
        prefixes, fresh = self._kept.prefixes, []
        place_of = {(prefix.parent, prefix.token, prefix.way): place for place, prefix in enumerate(prefixes)}
        for place, token, reach, peak in arrivals:
            prefix = prefixes[place]
            prefix.arrive(token, reach, peak, self.step)
            score = reach + prefix.bonus
            for way, (state, nats) in enumerate(self.scorer.extend(prefix.state, token)):
                here = place_of.get((prefix, token, way))
                if here is not None:
                    said[here] = log_add(said[here], reach)
                elif score + nats >= least:
                    fresh.append(_Fresh(score + nats, reach, prefix, token, way, state, nats))
        return fresh

    def _best(self, blank: Floats, said: Floats, fresh: list[_Fresh]) -> _Kept:
        """What is kept of the beam and of those that are new."""
        now = self._kept
        scores = np.append(np.logaddexp(blank, said) + now.bonus, [one.score for one in fresh])
        order = np.argsort(-scores, kind="stable")
        choice: list[Prefix | _Fresh] = [*now.prefixes, *fresh]
        kept = self._merged(order, choice, scores) if self.config.merge else order[: self.config.beam]
        return _Kept(
            [choice[place].itself() for place in kept],
            np.append(blank, np.full(len(fresh), NEVER))[kept],
            np.append(said, [one.reach for one in fresh])[kept],
        )

    def _merged(self, order: Indices, choice: list[Prefix | _Fresh], scores: Floats) -> list[int]:
        """Places of the best with an outlook of their own, who remember those that had the same."""
        kept: dict[Hashable, int] = {}
        for place in order.tolist():
            one = choice[place]
            better = kept.setdefault((one.token, self.scorer.outlook(one.state)), place)
            if better != place:
                winner = choice[better] = choice[better].itself()
                winner.beat(one.itself(), float(scores[place] - scores[better]))
            elif len(kept) == self.config.beam:
                break
        return list(kept.values())
