"""CTC prefix beam search, in the log domain.

Hannun et al. 2014, "First-pass large vocabulary continuous speech recognition using bi-directional recurrent
DNNs". Every prefix keeps two probabilities: of all alignments that end in a blank, and of those that end in
its last token. What a scorer adds (a language model, word insertion, boosted phrases) counts as soon as a
prefix is made.

The scorer says only once what may follow a prefix, as a table. Arithmetic over all tables then finds the few
continuations that are good enough, and no more of them than those become objects.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from kws.recognition.log_domain import NEVER
from kws.recognition.prefix import Hypothesis, Prefix, common_beginning, with_rivals
from kws.recognition.scorer import AnyText, Scorer, Table
from kws.recognition.tokens import BLANK, LogProbs

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


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


@dataclass(frozen=True, eq=False)
class _Numbers:
    """Of some prefixes; arrays are (prefixes,)."""

    blank: Floats
    """ln of the alignments that end in a blank."""
    said: Floats
    """And of those that end in the last token."""
    token: Indices
    bonus: Floats
    """What the scorer has added."""

    @cached_property
    def total(self) -> Floats:
        """ln of all alignments."""
        found: Floats = np.logaddexp(self.blank, self.said)
        return found

    @cached_property
    def score(self) -> Floats:
        """What prefixes are ranked by."""
        return self.total + self.bonus

    @cached_property
    def order(self) -> list[int]:
        """Places, the best first."""
        order: list[int] = np.argsort(-self.score, kind="stable").tolist()
        return order

    def take(self, places: list[int]) -> _Numbers:
        """Of those at these places."""
        at = np.array(places)
        return _Numbers(self.blank[at], self.said[at], self.token[at], self.bonus[at])

    def plus(self, more: _Numbers) -> _Numbers:
        """Of others too."""
        return _Numbers(
            np.concatenate([self.blank, more.blank]),
            np.concatenate([self.said, more.said]),
            np.concatenate([self.token, more.token]),
            np.concatenate([self.bonus, more.bonus]),
        )


@dataclass(frozen=True, eq=False)
class _Kept:
    """The prefixes that a step leaves, the best first; all else is in the same order."""

    prefixes: list[Prefix]
    outlooks: list[Hashable]
    """By which they are merged."""
    tables: list[Table | None]
    """What may follow, once the scorer has been asked."""
    numbers: _Numbers


@dataclass(frozen=True, eq=False)
class _Offers:
    """Prefixes of the beam made longer by a token: a row for every way of each, a column for every token."""

    tokens: Indices
    """(columns,)"""
    parent: Indices
    """(rows,), places in the beam."""
    first: Indices
    """(prefixes of the beam,), the first row of each; -1 for those that nothing good enough can follow."""
    reach: Floats
    """(prefixes of the beam, columns): ln of the alignments, all of which begin the token now."""
    score: Floats
    """(rows, columns), with what the scorer has added; minus infinity for what is not good enough."""


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
        numbers = _Numbers(np.zeros(1), np.full(1, NEVER), np.full(1, BLANK), np.zeros(1))
        self._kept = _Kept([root], [self._outlook(root)], [None], numbers)

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
        for prefix, acoustic in zip(self._kept.prefixes, self._kept.numbers.total.tolist(), strict=True):
            score = acoustic + prefix.bonus + self.scorer.finish(prefix.state)
            if score > NEVER:
                length = max(1, self.scorer.words(prefix.state)) ** self.config.length_exponent
                found.append(Hypothesis(prefix, acoustic, score / length, tuple(prefix.chain())))
        return with_rivals(found, self.config.beam)

    def _advance(self, row: Floats, tokens: Indices) -> None:
        """One step; `tokens` are those to be tried besides the blank."""
        now = self._kept.numbers
        blank, said = now.total + row[BLANK], now.said + row[now.token]
        stay = np.logaddexp(blank, said) + now.bonus
        offers = self._offers(row, tokens, stay)
        if offers:
            self._join(offers, row, said)
        stayed = _Numbers(blank, said, now.token, now.bonus)
        self._kept = self._best(stayed, offers, self._last(stay), row) if offers else self._in_order(stayed)

    def _last(self, scores: Floats) -> float:
        """What the last of the beam has if there is nothing else to choose from."""
        last = scores.size - self.config.beam
        return float(np.partition(scores, last)[last]) if last >= 0 else NEVER

    def _offers(self, row: Floats, tokens: Indices, stay: Floats) -> _Offers | None:
        """What may be as good as the prefixes as they are, whose scores are `stay`; None: nothing."""
        if not len(tokens):
            return None
        now = self._kept.numbers
        # After its own token a prefix repeats it only across a blank.
        repeats = now.token[:, None] == tokens
        reach = np.where(repeats, now.blank[:, None], now.total[:, None]) + row[tokens]
        score = reach + now.bonus[:, None]
        score[score < self._last(np.concatenate([stay, score.ravel()])) - self.config.slack] = NEVER
        asked = np.flatnonzero(score.max(axis=1, initial=NEVER) > NEVER)
        if not len(asked):
            return None
        tables = [self._table(place, len(row)) for place in asked.tolist()]
        ways = np.array([len(table) for table in tables])
        first = np.full(len(score), -1)
        first[asked] = np.cumsum(ways) - ways
        parent = np.repeat(asked, ways)
        return _Offers(tokens, parent, first, reach, score[parent] + np.concatenate(tables)[:, tokens])

    def _table(self, place: int, tokens: int) -> Table:
        """What the scorer says may follow a prefix; it is asked once."""
        now = self._kept
        found = now.tables[place]
        if found is None:
            found = now.tables[place] = self.scorer.ways(now.prefixes[place].state, tokens)
        return found

    def _join(self, offers: _Offers, row: Floats, said: Floats) -> None:
        """What is in the beam already is no offer any more, and has what reaches it added to `said`."""
        prefixes, tokens = self._kept.prefixes, self._kept.numbers.token
        place_of: dict[Prefix | None, int] = {prefix: place for place, prefix in enumerate(prefixes)}
        parent = np.array([place_of.get(prefix.parent, -1) for prefix in prefixes])
        columns = np.full(len(row), -1)
        columns[offers.tokens] = np.arange(len(offers.tokens))
        first, column = offers.first[parent], columns[tokens]
        here = np.flatnonzero((parent >= 0) & (first >= 0) & (column >= 0))
        way = np.array([prefixes[place].way for place in here.tolist()], np.intp)
        cells = first[here] + way, column[here]
        reach = np.where(offers.score[cells] > NEVER, offers.reach[parent[here], column[here]], NEVER)
        offers.score[cells] = NEVER
        said[here] = np.logaddexp(said[here], reach)
        for place, value, peak in zip(here.tolist(), reach.tolist(), row[tokens[here]].tolist(), strict=True):
            prefixes[place].arrive(value, peak, self.step)

    def _in_order(self, stayed: _Numbers) -> _Kept:
        """The same prefixes a step later."""
        now, places = self._kept, stayed.order
        return _Kept(
            [now.prefixes[place] for place in places],
            [now.outlooks[place] for place in places],
            [now.tables[place] for place in places],
            stayed.take(places),
        )

    def _best(self, stayed: _Numbers, offers: _Offers, least: float, row: Floats) -> _Kept:
        """What is kept of the beam and of those offers that have at least that score."""
        now = self._kept
        rows, columns = np.nonzero((offers.score >= least) & (offers.score > NEVER))
        parent, token = offers.parent[rows], offers.tokens[columns]
        reach = offers.reach[parent, columns]
        bonus = offers.score[rows, columns] - reach
        everyone = stayed.plus(_Numbers(np.full(len(reach), NEVER), reach, token, bonus))
        each = (parent, rows - offers.first[parent], token, bonus, reach, row[token])
        fresh = list(zip(*(values.tolist() for values in each), strict=True))

        known, beam = len(now.prefixes), self.config.beam
        places: list[int] = []
        chosen: list[Prefix] = []
        outlooks: dict[Hashable, int] = {}
        for place in everyone.order:
            if place < known:
                prefix, outlook = now.prefixes[place], now.outlooks[place]
            else:
                prefix = self._longer(*fresh[place - known])
                outlook = self._outlook(prefix)
            rank = outlooks.setdefault(outlook, len(places))
            if rank < len(places):
                chosen[rank].beat(prefix, float(everyone.score[place] - everyone.score[places[rank]]))
                continue
            chosen.append(prefix)
            places.append(place)
            if len(places) == beam:
                break
        tables = [now.tables[place] if place < known else None for place in places]
        return _Kept(chosen, list(outlooks), tables, everyone.take(places))

    def _longer(self, place: int, way: int, token: int, bonus: float, reach: float, peak: float) -> Prefix:
        """A prefix of the beam made longer."""
        parent = self._kept.prefixes[place]
        prefix = parent.child(token, way, self.scorer.follow(parent.state, way, token), bonus)
        prefix.arrive(reach, peak, self.step)
        return prefix

    def _outlook(self, prefix: Prefix) -> Hashable:
        """Prefixes with the same can be merged."""
        return (prefix.token, self.scorer.outlook(prefix.state)) if self.config.merge else prefix
