"""A second stage behind a wake word's model: its candidates count where the word's spelling is heard too.

The last 2.5 s are kept. At a candidate, and only then, a recognizer's acoustic model hears them, and a
spotter looks for the word's phones there. The recognizer writes a sound down a little late, so a look may
wait for 0.16 s more before it gives up.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from kws.bundle import Bundle
from kws.delegates import Delegate
from kws.engine import WakeWord
from kws.errors import BundleError
from kws.events import Detection, Event
from kws.frontends import no_rows, row_format, row_timing
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.confirmation_table import SecondStage, second_stage_of
from kws.recognition.recognizer import PhraseSpotting
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
    """Hears rows, begun anew for each candidate, and knows how well the phrase was heard so far.

    Args:
        spotting: makes what looks for the one phrase; called at the first candidate, since in most hours
            there is none.
        front_end: what the rows are, see kws.frontends.
        recognizer: its path.
    """

    def __init__(self, spotting: Callable[[], PhraseSpotting], front_end: str, recognizer: str = "") -> None:
        self._make, self.front_end, self.recognizer = spotting, front_end, recognizer
        self.score = 0.0

    @cached_property
    def _spotting(self) -> PhraseSpotting:
        return self._make()

    def open(self) -> None:
        """Load it now, so that what is wrong with it is said at once."""
        self._spotting.reset()

    @property
    def step_rows(self) -> int:
        """Rows of a step."""
        return round(self._spotting.acoustic.step_seconds / row_format(self.front_end).row_seconds)

    def begin(self, rows: Rows) -> None:
        """Hear what was kept; the phrase counts where it ends within the last second of it."""
        self._spotting.reset()
        recent = round(RECENT_SECONDS / self._spotting.acoustic.step_seconds)
        self.score = float(self._spotting.scores(rows)[-recent:].max(initial=0))

    def push(self, rows: Rows) -> None:
        """Go on listening."""
        self.score = max(self.score, float(self._spotting.scores(rows).max(initial=0)))

    def finish(self) -> None:
        """Listen no more: what the acoustic model still holds back is all that follows."""
        self.score = max(self.score, float(self._spotting.last_scores().max(initial=0)))


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

    _kept: Rows
    _rows_heard: int
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
        row_seconds = row_format(look.front_end).row_seconds
        self._back = round(LOOK_BACK_SECONDS / row_seconds)
        self._wait = round(WAIT_SECONDS / row_seconds)
        self._start_anew()

    @property
    def calibration(self) -> Sequence[Mapping[str, Any]]:
        """What thresholds of the model cost together with this second stage."""
        measured = self.bundle.manifest.get("kws", {}).get("confirmation", {}).get("points", [])
        rows = [row for row in measured if row["least"] == self._least]
        return sorted(rows, key=lambda row: float(row["threshold"]))

    @property
    def second_stage(self) -> dict[str, Any]:
        """The recognizer and the score that a spelling must reach."""
        return {"confirm": self._look.recognizer, "confirm_threshold": self._least}

    @property
    def wait_seconds(self) -> float:
        """How late a detection may be for its second look."""
        return WAIT_SECONDS

    @property
    def front_ends(self) -> dict[str, str]:
        """Its model's and its second look's."""
        return {self._look.front_end: "", **super().front_ends}

    def hear(self, rows: Mapping[str, Rows], origin: int, source: str) -> list[Event]:
        """Detections that these rows confirm; any split of them gives the same."""
        candidates = super().hear(rows, origin, source)
        again = rows[self._look.front_end]
        self._kept = np.concatenate([self._kept, again])
        self._rows_heard += len(again)
        found: list[Event] = []
        for candidate in candidates:
            assert isinstance(candidate, Detection)
            row = self._row_at(candidate.end, origin)
            found += self._look_on(row, origin)
            found += self._begin(candidate, row)
        found += self._look_on(self._rows_heard, origin)
        self._kept = self._kept[-self._back :]
        return found

    def flush(self) -> list[Event]:
        """The stream has ended: a candidate is judged by what was heard."""
        candidate, self._candidate = self._candidate, None
        if candidate is None:
            return []
        self._look.finish()
        return [candidate.event] if self._look.score >= self._least else []

    def reset(self) -> None:
        """As new."""
        super().reset()
        self._start_anew()

    def _start_anew(self) -> None:
        self._kept = no_rows(self._look.front_end)
        self._rows_heard = 0
        self._candidate = None

    def _begin(self, event: Detection, row: int) -> list[Event]:
        self._look.begin(self._between(row - self._back, row))
        self._candidate = _Candidate(event, row, row + self._wait)
        return self._judged(event.end)

    def _look_on(self, row: int, origin: int) -> list[Event]:
        """Step by step up to a row, until the word is found or the time is up."""
        step = self._look.step_rows
        while self._candidate and self._candidate.heard + step <= row:
            heard = self._candidate.heard + step
            self._look.push(self._between(heard - step, heard))
            self._candidate.heard = heard
            is_late = heard + step > self._candidate.until
            if is_late:
                self._look.finish()
            found = self._judged((origin + row_format(self._look.front_end).rows_end(heard)) / SAMPLE_RATE)
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

    def _between(self, first: int, last: int) -> Rows:
        """Kept rows by their numbers since the last reset."""
        oldest = self._rows_heard - len(self._kept)
        return self._kept[max(0, first - oldest) : max(0, last - oldest)]

    def _row_at(self, seconds: float, origin: int) -> int:
        """Rows complete by a moment of the stream."""
        first, step = row_timing(self._look.front_end)
        return (round(seconds * SAMPLE_RATE) - origin - first) // step + 1


def confirmed_by(
    recognizer: str | Path,
    bundle: Bundle,
    *,
    threshold: float | None = None,
    least: float | None = None,
    delegate: Delegate | None = None,
) -> ConfirmedWord:
    """A wake word with a recognizer as its second stage.

    Args:
        recognizer: bundled name or path.
        bundle: of the wake word.
        threshold: of the wake word's own model. Without it and `least`, both are those that were measured for
            this pair of models, or else the model's own and THRESHOLD.
        least: score that the spelling must reach, if not THRESHOLD.
        delegate: what computes both models, see kws.delegates.

    Raises:
        BundleError, GrammarError: one of them is unfit; the text says why.
    """
    second = find_recognizer(recognizer)
    measured = second_stage_of(bundle, second)
    if measured and threshold is None and least is None:
        threshold, least = measured.threshold, measured.least
    look = look_of(second, bundle, measured, delegate)
    enough = THRESHOLD if least is None else least
    return ConfirmedWord(bundle, look, threshold=threshold, least=enough, delegate=delegate)


def look_of(
    recognizer: RecognizerBundle,
    bundle: Bundle,
    measured: SecondStage | None = None,
    delegate: Delegate | None = None,
) -> SecondLook:
    """What looks for a wake word's spelling; nothing is loaded before its first candidate.

    Raises:
        GrammarError: nobody knows how the word is said.
    """
    known = measured.spellings if measured else ()

    def spotting() -> PhraseSpotting:
        from kws.recognition.build import build_spotter

        phrase = bundle.wake_word
        return build_spotter(
            recognizer.manifest_path, [phrase], delegate=delegate, spellings={phrase: known} if known else {}
        )

    look = SecondLook(spotting, recognizer.front_end, str(recognizer.manifest_path))
    if not known:
        look.open()
    return look


def _check(bundle: Bundle) -> None:
    if len(bundle.labels) > 1:
        raise BundleError(
            f"{bundle.manifest_path}: has {len(bundle.labels)} labels; "
            "a second stage confirms models of one word"
        )
