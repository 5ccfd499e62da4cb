"""A second look by another model of the same word.

Two networks that learned from other features of the sound are seldom wrong about the same moment. The other
one hears the last seconds from a fresh start, front end and all: what it says of them depends on nothing
that was heard before, and while nobody says anything like the word it costs no more than keeping the audio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kws.bundle import Bundle
from kws.confirmation_table import second_stage_of
from kws.confirmed import ConfirmedWord, together
from kws.engine import WakeWord
from kws.errors import BundleError
from kws.frontends import WAVEFORM, new_front_end, row_format
from kws.look_again import LookAgain, Track
from kws.recent_rows import RecentRows
from kws.rehearing import Rehearing
from kws.stage_pool import StagePools, Steps
from kws.types import Rows

if TYPE_CHECKING:
    from kws.delegates import Delegate

WEIGHT = 0.5
"""Of the other model, beside one that listens all the time; both scores together decide."""
LOOK_BACK_SECONDS = 8.0
"""Heard again at a candidate: a word, and before it what the front end needs to adapt to the room."""
WAIT_SECONDS = 0.32
"""How long a look may wait after it."""


def kept_audio() -> RecentRows:
    """What any number of looks of one engine hear."""
    return RecentRows(WAVEFORM, round((LOOK_BACK_SECONDS + WAIT_SECONDS) / row_format(WAVEFORM).row_seconds))


class Ears:
    """A streaming Stage, a model and its front end: audio as rows -> smoothed scores, shape (steps, 1)."""

    def __init__(self, bundle: Bundle, delegate: Delegate | None = None) -> None:
        self._word = WakeWord(bundle, delegate=delegate)
        self._front_end = new_front_end(bundle.front_end, bundle.engine)
        self.step_seconds = self._word.model.stride * bundle.rows.row_seconds

    def push(self, rows: Rows) -> Steps:
        """Scores of the steps that this audio completes."""
        audio: Any = rows  # of WAVEFORM: int16
        heard = self._front_end.push(audio.ravel())
        return self._word.scores(heard) if len(heard) else self.flush()

    def flush(self) -> Steps:
        """Nothing is held back."""
        return np.empty((0, 1), np.float32)

    def reset(self) -> None:
        """As new."""
        self._front_end.reset()
        self._word.reset()


class SecondOpinion(LookAgain):
    """A Look by another model; it is opened at the first candidate.

    Args:
        bundle: of that model.
        audio: what was heard last, of which other looks may know too.
        delegate: what computes it, see kws.delegates.
        pools: of stages that other engines share.
    """

    def __init__(
        self,
        bundle: Bundle,
        audio: RecentRows,
        delegate: Delegate | None = None,
        pools: StagePools | None = None,
    ) -> None:
        source = str(bundle.manifest_path)
        key = source, str(bundle.model_sha256), bundle.engine, str(delegate or "")
        stages = (pools or StagePools()).of(lambda: Ears(bundle, delegate), *key)
        rehearing = Rehearing(stages, WAVEFORM, LOOK_BACK_SECONDS, source, audio)
        super().__init__(rehearing, back_seconds=LOOK_BACK_SECONDS, wait_seconds=WAIT_SECONDS)

    def scores(self, steps: Steps, *, afresh: bool) -> Track:
        """They are scores already."""
        return steps[:, 0]


def second_opinion(
    bundle: Bundle,
    other: Bundle,
    audio: RecentRows,
    delegate: Delegate | None = None,
    pools: StagePools | None = None,
) -> SecondOpinion:
    """That of `other` on the wake word of `bundle`; raises BundleError where they are models of two words."""
    if bundle.labels != other.labels:
        raise BundleError(
            f"{other.manifest_path}: hears {', '.join(other.labels)}, so it cannot confirm "
            f"{', '.join(bundle.labels)}; name another model of the same word"
        )
    return SecondOpinion(other, audio, delegate, pools)


def word_with_second_opinion(
    bundle: Bundle,
    other: Bundle,
    audio: RecentRows,
    *,
    pools: StagePools | None = None,
    threshold: float | None = None,
    least: float | None = None,
    delegate: Delegate | None = None,
) -> ConfirmedWord:
    """A wake word with another model of it as its second stage.

    Args:
        bundle: of the wake word.
        other: the other model.
        audio: kept for the words of one engine, see `kept_audio`.
        pools: of stages that other engines share.
        threshold: of the wake word's own model. Without it and `least`, both are those that were measured for
            this pair of models, or else the model's own and what both models' own come to together.
        least: score that both must have together, see kws.confirmed.together.
        delegate: what computes both, see kws.delegates.

    Raises:
        BundleError: one of them is unfit, or they are models of two words.
    """
    look = second_opinion(bundle, other, audio, delegate, pools)
    measured = second_stage_of(bundle, other)
    if measured and threshold is None and least is None:
        threshold, least = measured.threshold, measured.least
    if not measured:
        look.open()
    enough = together(bundle.threshold, other.threshold, WEIGHT) if least is None else least
    return ConfirmedWord(bundle, look, threshold=threshold, least=enough, weight=WEIGHT, delegate=delegate)
