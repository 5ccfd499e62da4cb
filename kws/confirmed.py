"""A wake word whose candidates count where a second look hears the word too.

The last seconds are kept. At a candidate, and only then, a look hears them again: a recognizer that looks for
the word's spelling (kws/recognition/confirmation.py), or another model of the same word
(kws/second_opinion.py). Either may need to hear a little more before it is sure, so a look may wait before it
gives up. As long as the word's own score stays at the threshold there is another candidate after that: a low
threshold is reached long before the word has ended.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kws.bundle import Bundle
from kws.confirmation_table import costs_beside
from kws.detection import Detection
from kws.detector import Candidate, Detector
from kws.engine import WakeWord
from kws.errors import BundleError
from kws.event import Event
from kws.frontends import row_format, row_timing
from kws.look import Look
from kws.recent_scores import RecentScores
from kws.types import SAMPLE_RATE, Outputs, Rows

if TYPE_CHECKING:
    from kws.delegates import Delegate

THRESHOLD = 0.1
"""That a look's score must reach where nobody says otherwise; of a spelling, see docs/grammars.md."""


@dataclass
class _Candidate:
    """What is being looked at."""

    event: Detection
    proposed: Candidate
    heard: int
    """Rows that the look has heard, counted since the last reset."""
    until: int
    """Row at which it gives up."""


class ConfirmedWord(WakeWord):
    """A WakeWord whose candidates become detections once a second look has found the word.

    The look's score decides, or with a `weight` both scores together, see `together`.

    An utterance is told once: after a detection the refractory time must be over before the word's own score
    comes to the threshold from below again. What was refused costs no such time.

    A detection's `end` is the moment when it was confirmed, soon after the candidate; its score and threshold
    are those of the wake word's own model, or with a `weight` those of both together.

    Raises:
        BundleError: the model has several labels.
    """

    _rows_heard: int
    _origin: int
    _candidate: _Candidate | None
    _proposed: list[Candidate]
    _ready_at: int  # first step of its own model at which a score may rise that counts

    def __init__(
        self,
        bundle: Bundle,
        look: Look,
        *,
        threshold: float | None = None,
        least: float = THRESHOLD,
        weight: float | None = None,
        delegate: Delegate | None = None,
    ) -> None:
        _check(bundle)
        super().__init__(bundle, threshold=threshold, delegate=delegate)
        self._look, self._least, self._weight = look, least, weight
        self._kept = look.kept
        step_seconds = self.model.stride * self._rows.row_seconds
        wait_steps = math.ceil(look.wait_seconds / step_seconds)
        config = self.detectors[0].config
        self.detectors = [Detector(dataclasses.replace(config, again=max(1, wait_steps)))]
        self._said = RecentScores(config, wait_steps + 1)
        self._front_end = look.front_end
        row_seconds = row_format(self._front_end).row_seconds
        self._back = round(look.back_seconds / row_seconds)
        self._wait = round(look.wait_seconds / row_seconds)
        self._start_anew()

    @property
    def calibration(self) -> Sequence[Mapping[str, Any]]:
        """What thresholds of the model cost together with this second stage."""
        return costs_beside(self.bundle, self._least)

    @property
    def second_stage(self) -> dict[str, Any]:
        """The model, what looks, and the score that it must give."""
        return {
            "name": str(self.bundle.manifest_path),
            "confirm": self._look.source,
            "confirm_threshold": self._least,
        }

    @property
    def wait_seconds(self) -> float:
        """How late a detection may be for its second look."""
        return self._look.wait_seconds

    @property
    def front_ends(self) -> dict[str, str]:
        """Its model's and its second look's."""
        return {self._front_end: "", **super().front_ends}

    def found(self, outputs: Outputs, origin: int, source: str) -> list[Event]:
        """Candidates in outputs of its own model."""
        self._said.extend(outputs[:, 0])
        self._proposed = self.detectors[0].push(outputs[:, 0])
        return [self.detection(candidate, 0, origin, source) for candidate in self._proposed]

    def open(self) -> None:
        """Load what looks, so that what is wrong with it is said now."""
        self._look.open()

    def take(self, rows: Mapping[str, Rows], origin: int, source: str) -> bool:
        """Hear rows by its own model; any split of them gives the same."""
        super().take(rows, origin, source)
        again = rows[self._front_end]
        for kept in self._kept:
            kept.extend(self._rows_heard, again)
        self._rows_heard += len(again)
        self._origin = origin
        return bool(self._found) or self._candidate is not None

    def told(self) -> list[Event]:
        """Detections that the rows taken last confirm."""
        found: list[Event] = []
        for event, proposed in zip(super().told(), self._proposed, strict=True):
            assert isinstance(event, Detection)
            row = self._row_at(event.end, self._origin)
            found += self._look_on(row, self._origin)
            if proposed.risen >= self._ready_at:
                found += self._begin(event, proposed, row)
        self._proposed = []
        return found + self._look_on(self._rows_heard, self._origin)

    def flush(self) -> list[Event]:
        """The stream has ended: a candidate is judged by what was heard."""
        candidate, self._candidate = self._candidate, None
        if candidate is None:
            return []
        self._look.finish(candidate.heard)
        return self._agreed(candidate, candidate.event.end)

    def reset(self) -> None:
        """As new."""
        super().reset()
        self._start_anew()

    def _start_anew(self) -> None:
        self._look.reset()
        self._said.reset()
        self._rows_heard = self._origin = self._ready_at = 0
        self._candidate, self._proposed = None, []

    def _begin(self, event: Detection, proposed: Candidate, row: int) -> list[Event]:
        self._look.begin(max(0, row - self._back), row)
        self._candidate = _Candidate(event, proposed, row, row + self._wait)
        return self._judged(event.end)

    def _look_on(self, row: int, origin: int) -> list[Event]:
        """Step by step up to a row, until the word is found or the time is up."""
        if self._candidate is None:
            return []
        step = self._look.step_rows
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
        """The detection, if enough was found by now."""
        if self._candidate is None:
            return []
        found = self._agreed(self._candidate, now)
        if found:
            self._ready_at = self._last_step(self._candidate) + self.detectors[0].config.refractory
            self._candidate = None
        return found

    def _agreed(self, candidate: _Candidate, now: float) -> list[Event]:
        """The detection, if both stages agree by what was heard so far."""
        score = self._score(candidate)
        if score < self._least:
            return []
        if self._weight is None:
            return [dataclasses.replace(candidate.event, end=now)]
        return [dataclasses.replace(candidate.event, end=now, score=round(score, 4), threshold=self._least)]

    def _score(self, candidate: _Candidate) -> float:
        """By what was heard so far."""
        if self._weight is None:
            return self._look.score
        best = self._said.best(candidate.proposed.step, self._last_step(candidate))
        return together(best, self._look.score, self._weight)

    def _last_step(self, candidate: _Candidate) -> int:
        """Of its own model, when the look had heard so much."""
        heard = self._step_at(row_format(self._front_end).rows_end(candidate.heard))
        return max(candidate.proposed.step, heard)

    def _row_at(self, seconds: float, origin: int) -> int:
        """Rows of the look's complete by a moment of the stream."""
        return _rows(self._front_end, round(seconds * SAMPLE_RATE) - origin)

    def _step_at(self, samples: int) -> int:
        """The last step of its own model that is complete after so many samples."""
        return _rows(self.bundle.front_end, samples) // self.model.stride - 1


def together(own: float, other: float, weight: float) -> float:
    """One score of two: their logits' mean, in which the other one counts `weight` times."""
    return mean_score((own, other), (1.0, weight))


def mean_score(scores: Sequence[float], weights: Sequence[float]) -> float:
    """One score of several, each from 0 to 1: the weighted mean of their logits."""
    logits = [math.log(score / (1 - score)) for score in map(_inside, scores)]
    mean = sum(map(operator.mul, weights, logits)) / sum(weights)
    return 1 / (1 + math.exp(-mean))


def _inside(score: float) -> float:
    """Not certain, as far as 256 steps can tell."""
    return min(max(score, 1 / 512), 511 / 512)


def _rows(front_end: str, samples: int) -> int:
    first, step = row_timing(front_end)
    return (samples - first) // step + 1


def _check(bundle: Bundle) -> None:
    if len(bundle.labels) > 1:
        raise BundleError(
            f"{bundle.manifest_path}: has {len(bundle.labels)} labels; "
            "a second stage confirms models of one word"
        )
