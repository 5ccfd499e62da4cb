"""A second look by another model of the same word.

Two networks that learned from other features of the sound are seldom wrong about the same moment. The other
one hears the last seconds from a fresh start, front end and all: what it says of them depends on nothing
that was heard before, and while nobody says anything like the word it costs no more than keeping the audio.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

from kws.bundle import Bundle
from kws.confirmation_table import second_stage_of
from kws.confirmed import RECENT_SECONDS, ConfirmedWord, together
from kws.delegates import Delegate
from kws.engine import WakeWord
from kws.errors import BundleError
from kws.frontends import WAVEFORM, new_front_end, row_format
from kws.recent_rows import RecentRows
from kws.types import Rows, Samples, Stage

WEIGHT = 0.5
"""Of the other model, beside one that listens all the time; both scores together decide."""
LOOK_BACK_SECONDS = 8.0
"""Heard again at a candidate: a word, and before it what the front end needs to adapt to the room."""
WAIT_SECONDS = 0.32
"""How long a look may wait after it."""


def kept_audio() -> RecentRows:
    """What any number of looks of one engine hear."""
    return RecentRows(WAVEFORM, round((LOOK_BACK_SECONDS + WAIT_SECONDS) / row_format(WAVEFORM).row_seconds))


class SecondOpinion:
    """A Look by another model; it is opened at the first candidate.

    Args:
        bundle: of that model.
        audio: what was heard last, of which other looks may know too.
        delegate: what computes it, see kws.delegates.
    """

    front_end = WAVEFORM
    back_seconds, wait_seconds = LOOK_BACK_SECONDS, WAIT_SECONDS

    def __init__(self, bundle: Bundle, audio: RecentRows, delegate: Delegate | None = None) -> None:
        self.source = str(bundle.manifest_path)
        self.score = 0.0
        self._bundle, self._audio, self._delegate = bundle, audio, delegate
        self._heard = 0  # rows of audio, counted since the last reset

    @property
    def step_rows(self) -> int:
        """Rows of audio for a step of the model."""
        step_seconds = self._word.model.stride * self._bundle.rows.row_seconds
        return max(1, round(step_seconds / row_format(WAVEFORM).row_seconds))

    def keep(self, first: int, rows: Rows) -> None:
        """Rows of which the first has this number; those that another word has handed over are skipped."""
        self._audio.extend(first, rows)

    def begin(self, first: int, last: int) -> None:
        """Hear rows `first` up to `last` from a fresh start."""
        self._front_end.reset()
        self._word.reset()
        self._heard, self.score = first, 0.0
        self._hear(last, round(RECENT_SECONDS / (self._word.model.stride * self._bundle.rows.row_seconds)))

    def push(self, last: int) -> None:
        """Go on listening up to a row."""
        self._hear(last)

    def finish(self, last: int) -> None:
        """Go on up to there: the model holds nothing back."""
        self._hear(last)

    def open(self) -> None:
        """Load the model, so that what is wrong with it is said now."""
        _ = self._word, self._front_end

    def reset(self) -> None:
        """As new."""
        self._audio.clear()

    @cached_property
    def _word(self) -> WakeWord:
        return WakeWord(self._bundle, delegate=self._delegate)

    @cached_property
    def _front_end(self) -> Stage[Samples, Rows]:
        return new_front_end(self._bundle.front_end, self._bundle.engine)

    def _hear(self, last: int, recent: int | None = None) -> None:
        """Take the highest score of the steps that are new, or of the last few of them."""
        audio: Any = self._audio.between(self._heard, last)  # of WAVEFORM: int16
        self._heard = last
        rows = self._front_end.push(audio.ravel())
        if len(rows):
            scores = self._word.scores(rows)
            self.score = max(self.score, float(scores[-recent if recent else 0 :].max(initial=0)))


def word_with_second_opinion(
    bundle: Bundle,
    other: Bundle,
    audio: RecentRows,
    *,
    threshold: float | None = None,
    least: float | None = None,
    delegate: Delegate | None = None,
) -> ConfirmedWord:
    """A wake word with another model of it as its second stage.

    Args:
        bundle: of the wake word.
        other: the other model.
        audio: kept for the words of one engine, see `kept_audio`.
        threshold: of the wake word's own model. Without it and `least`, both are those that were measured for
            this pair of models, or else the model's own and what both models' own come to together.
        least: score that both must have together, see kws.confirmed.together.
        delegate: what computes both, see kws.delegates.

    Raises:
        BundleError: one of them is unfit, or they are models of two words.
    """
    if bundle.labels != other.labels:
        raise BundleError(
            f"{other.manifest_path}: hears {', '.join(other.labels)}, so it cannot confirm "
            f"{', '.join(bundle.labels)}; name another model of the same word"
        )
    measured = second_stage_of(bundle, other)
    if measured and threshold is None and least is None:
        threshold, least = measured.threshold, measured.least
    look = SecondOpinion(other, audio, delegate)
    if not measured:
        look.open()
    enough = together(bundle.threshold, other.threshold, WEIGHT) if least is None else least
    return ConfirmedWord(bundle, look, threshold=threshold, least=enough, weight=WEIGHT, delegate=delegate)
