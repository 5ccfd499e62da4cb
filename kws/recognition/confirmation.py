"""A second stage behind a wake word's model: its candidates count where the word's spelling is heard too.

The last 2.5 s are kept. At a candidate, and only then, a recognizer's acoustic model hears them, and a
spotter looks for the word's phones there. The recognizer writes a sound down a little late, so a look may
wait for 0.16 s more before it gives up.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kws.bundle import Bundle
from kws.delegates import Delegate
from kws.engine import WakeWord
from kws.errors import BundleError
from kws.events import Detection, Event
from kws.frontends import row_format, row_timing
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.confirmation_table import SecondStage, costs_beside, second_stage_of
from kws.recognition.lexicon import Spelling
from kws.recognition.rehearing import Rehearing
from kws.recognition.spotter import Spotter
from kws.recognition.stage_pool import StagePools
from kws.recognition.tokens import LogProbs
from kws.types import SAMPLE_RATE, Rows

LOOK_BACK_SECONDS = 2.5
"""Heard again at a candidate."""
RECENT_SECONDS = 1.0
"""The word must have ended so shortly before the candidate, or after it."""
WAIT_SECONDS = 0.16
"""How long a look may wait after the candidate."""
THRESHOLD = 0.1
"""Of the spotter's score, see docs/grammars.md."""


class SecondLook:
    """Hears kept rows from a candidate on, and knows how well the phrase was heard there so far.

    Args:
        rehearing: hears the rows; other words may share it.
        ways: in which the phrase is written, in tokens.
    """

    def __init__(self, rehearing: Rehearing, ways: Sequence[Spelling]) -> None:
        self.rehearing, self._ways = rehearing, ways
        self.score = 0.0
        self._first = self._steps = 0

    @cached_property
    def _spotter(self) -> Spotter:
        return Spotter({"": self._ways}, self.rehearing.step_seconds)

    def begin(self, first: int, last: int) -> None:
        """Hear rows `first` up to `last`; the phrase counts where it ends within the last second of them."""
        self._spotter.reset()
        self._first, self._steps = first, 0
        recent = round(RECENT_SECONDS / self.rehearing.step_seconds)
        self.score = self._best(self.rehearing.log_probs(first, last), recent)

    def push(self, last: int) -> None:
        """Go on listening up to a row."""
        self.score = max(self.score, self._best(self.rehearing.log_probs(self._first, last)))

    def finish(self, last: int) -> None:
        """Listen no more: what the acoustic model still holds back there is all that follows."""
        self.score = max(self.score, self._best(self.rehearing.with_the_rest(self._first, last)))

    def _best(self, log_probs: LogProbs, recent: int | None = None) -> float:
        """The highest score in the steps that are new, or in the last few of them."""
        track = self._spotter.scores(log_probs[self._steps :])
        self._steps = len(log_probs)
        return float(track[-recent if recent else 0 :].max(initial=0))


@dataclass
class _Candidate:
    """What is being looked at."""

    event: Detection
    heard: int
    """Rows that the look has heard, counted since the last reset."""
    until: int
    """Row at which it gives up."""


class ConfirmedWord(WakeWord):
    """A WakeWord whose candidates become detections once a second look has found the word's spelling.

    A detection's `end` is the moment when it was confirmed, at most WAIT_SECONDS after the candidate; its
    score and threshold are those of the wake word's own model.

    Raises:
        BundleError: the model has several labels.
    """

    _rows_heard: int
    _origin: int
    _candidate: _Candidate | None

    def __init__(
        self,
        bundle: Bundle,
        look: SecondLook,
        *,
        threshold: float | None = None,
        least: float = THRESHOLD,
        delegate: Delegate | None = None,
    ) -> None:
        _check(bundle)
        super().__init__(bundle, threshold=threshold, delegate=delegate)
        self._look, self._least = look, least
        self._front_end = look.rehearing.front_end
        row_seconds = row_format(self._front_end).row_seconds
        self._back = round(LOOK_BACK_SECONDS / row_seconds)
        self._wait = round(WAIT_SECONDS / row_seconds)
        self._start_anew()

    @property
    def calibration(self) -> Sequence[Mapping[str, Any]]:
        """What thresholds of the model cost together with this second stage."""
        return costs_beside(self.bundle, self._least)

    @property
    def second_stage(self) -> dict[str, Any]:
        """The recognizer and the score that a spelling must reach."""
        return {"confirm": self._look.rehearing.recognizer, "confirm_threshold": self._least}

    @property
    def wait_seconds(self) -> float:
        """How late a detection may be for its second look."""
        return WAIT_SECONDS

    @property
    def front_ends(self) -> dict[str, str]:
        """Its model's and its second look's."""
        return {self._front_end: "", **super().front_ends}

    def open(self) -> None:
        """Load the recognizer, so that what is wrong with it is said now."""
        self._look.rehearing.open()

    def take(self, rows: Mapping[str, Rows], origin: int, source: str) -> bool:
        """Hear rows by its own model; any split of them gives the same."""
        super().take(rows, origin, source)
        again = rows[self._front_end]
        self._look.rehearing.rows.extend(self._rows_heard, again)
        self._rows_heard += len(again)
        self._origin = origin
        return bool(self._found) or self._candidate is not None

    def told(self) -> list[Event]:
        """Detections that the rows taken last confirm."""
        found: list[Event] = []
        for candidate in super().told():
            assert isinstance(candidate, Detection)
            row = self._row_at(candidate.end, self._origin)
            found += self._look_on(row, self._origin)
            found += self._begin(candidate, row)
        return found + self._look_on(self._rows_heard, self._origin)

    def flush(self) -> list[Event]:
        """The stream has ended: a candidate is judged by what was heard."""
        candidate, self._candidate = self._candidate, None
        if candidate is None:
            return []
        self._look.finish(candidate.heard)
        return [candidate.event] if self._look.score >= self._least else []

    def reset(self) -> None:
        """As new."""
        super().reset()
        self._start_anew()

    def _start_anew(self) -> None:
        self._look.rehearing.reset()
        self._rows_heard = self._origin = 0
        self._candidate = None

    def _begin(self, event: Detection, row: int) -> list[Event]:
        self._look.begin(max(0, row - self._back), row)
        self._candidate = _Candidate(event, row, row + self._wait)
        return self._judged(event.end)

    def _look_on(self, row: int, origin: int) -> list[Event]:
        """Step by step up to a row, until the word is found or the time is up."""
        if self._candidate is None:
            return []
        step = self._look.rehearing.step_rows
        while self._candidate and self._candidate.heard + step <= row:
            heard = self._candidate.heard + step
            self._look.push(heard)
            self._candidate.heard = heard
            is_late = heard + step > self._candidate.until
            if is_late:
                self._look.finish(heard)
            found = self._judged((origin + row_format(self._front_end).rows_end(heard)) / SAMPLE_RATE)
            if is_late:
                self._candidate = None
            if found:
                return found
        return []

    def _judged(self, now: float) -> list[Event]:
        """The detection, if the look has found enough by now."""
        if self._candidate is None or self._look.score < self._least:
            return []
        event, self._candidate = self._candidate.event, None
        return [dataclasses.replace(event, end=now)]

    def _row_at(self, seconds: float, origin: int) -> int:
        """Rows complete by a moment of the stream."""
        first, step = row_timing(self._front_end)
        return (round(seconds * SAMPLE_RATE) - origin - first) // step + 1


def rehearing_of(
    recognizer: RecognizerBundle, delegate: Delegate | None = None, pools: StagePools | None = None
) -> Rehearing:
    """What hears again for any number of words of one engine, by a stage of these pools or one of its own."""
    stages = (pools or StagePools()).of(recognizer, delegate)
    kept = LOOK_BACK_SECONDS + WAIT_SECONDS
    return Rehearing(stages, recognizer.front_end, kept, str(recognizer.manifest_path))


def confirmed_word(
    bundle: Bundle,
    recognizer: RecognizerBundle,
    rehearing: Rehearing,
    *,
    threshold: float | None = None,
    least: float | None = None,
    delegate: Delegate | None = None,
) -> ConfirmedWord:
    """A wake word with a recognizer as its second stage.

    Args:
        bundle: of the wake word.
        recognizer: of the second stage.
        rehearing: by that recognizer.
        threshold: of the wake word's own model. Without it and `least`, both are those that were measured for
            this pair of models, or else the model's own and THRESHOLD.
        least: score that the spelling must reach, if not THRESHOLD.
        delegate: what computes the wake word's model, see kws.delegates.

    Raises:
        BundleError, GrammarError: one of them is unfit; the text says why.
    """
    measured = second_stage_of(bundle, recognizer)
    if measured and threshold is None and least is None:
        threshold, least = measured.threshold, measured.least
    look = SecondLook(rehearing, _ways(bundle, recognizer, measured))
    if not measured:
        rehearing.open()
    enough = THRESHOLD if least is None else least
    return ConfirmedWord(bundle, look, threshold=threshold, least=enough, delegate=delegate)


def _ways(bundle: Bundle, recognizer: RecognizerBundle, measured: SecondStage | None) -> Sequence[Spelling]:
    """To write the wake word; raises GrammarError where nobody knows how it is said."""
    if measured:
        return measured.spellings
    from kws.recognition.build import spotting_tokens
    from kws.recognition.spelling import phrase_spellings

    return phrase_spellings(bundle.wake_word, spotting_tokens(recognizer))


def _check(bundle: Bundle) -> None:
    if len(bundle.labels) > 1:
        raise BundleError(
            f"{bundle.manifest_path}: has {len(bundle.labels)} labels; "
            "a second stage confirms models of one word"
        )
