"""A second look by another model of the same word.

Two networks that learned from other features of the sound are seldom wrong about the same moment. The other
one hears the last seconds from a fresh start, front end and all: what it says of them depends on nothing
that was heard before, and while nobody says anything like the word it costs no more than keeping the audio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kws.bundle import Bundle
from kws.confirmation_table import second_stage_of
from kws.confirmed import ConfirmedWord, together
from kws.engine import WakeWord
from kws.errors import BundleError
from kws.frontends import WAVEFORM, row_format
from kws.look_again import LookAgain, Track
from kws.recent_rows import RecentRows
from kws.rehearing import Rehearing
from kws.rows_again import AudioStage, RowsAgain
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


class KeptAudio:
    """What any number of looks of one engine hear: the last seconds, and what models make of them.

    Args:
        pools: of stages that other engines share.
    """

    def __init__(self, pools: StagePools | None = None) -> None:
        seconds = LOOK_BACK_SECONDS + WAIT_SECONDS
        self.audio = RecentRows(WAVEFORM, round(seconds / row_format(WAVEFORM).row_seconds))
        self.pools = pools or StagePools()
        self._rows: dict[tuple[str, str], RowsAgain] = {}
        self._hearings: dict[tuple[str, ...], tuple[Rehearing, RowsAgain]] = {}

    def hearing(self, bundle: Bundle, delegate: Delegate | None = None) -> tuple[Rehearing, RowsAgain]:
        """By a model, and its rows; the same for all who look by it, so that they hear a part once."""
        key = str(bundle.manifest_path), str(bundle.model_sha256), bundle.engine, str(delegate or "")
        if key not in self._hearings:
            stages = self.pools.of(lambda: Ears(bundle, delegate), *key)
            rows = self._rows_of(bundle.front_end, bundle.engine)
            rehearing = Rehearing(stages, WAVEFORM, LOOK_BACK_SECONDS, key[0], self.audio, hears=rows.between)
            self._hearings[key] = rehearing, rows
        return self._hearings[key]

    def _rows_of(self, front_end: str, engine: str) -> RowsAgain:
        """For one more model, the same for all that hear through this front end."""
        rows = self._rows.setdefault((front_end, engine), RowsAgain(front_end, self.audio))
        key = "rows", front_end, engine, str(rows.count)
        rows.share(self.pools.of(lambda: AudioStage(front_end, engine), *key))
        return rows


class Ears:
    """A streaming Stage, a model: rows of its front end -> smoothed scores, shape (steps, 1)."""

    def __init__(self, bundle: Bundle, delegate: Delegate | None = None) -> None:
        self._word = WakeWord(bundle, delegate=delegate)
        self.step_seconds = self._word.model.stride * bundle.rows.row_seconds

    def push(self, rows: Rows) -> Steps:
        """Scores of the steps that these rows complete."""
        return self._word.scores(rows) if len(rows) else self.flush()

    def flush(self) -> Steps:
        """Nothing is held back."""
        return np.empty((0, 1), np.float32)

    def reset(self) -> None:
        """As new."""
        self._word.reset()


class SecondOpinion(LookAgain):
    """A Look by another model; it is opened at the first candidate.

    Args:
        bundle: of that model.
        kept: what was heard last, of which other looks may know too.
        delegate: what computes it, see kws.delegates.
    """

    def __init__(
        self,
        bundle: Bundle,
        kept: KeptAudio,
        delegate: Delegate | None = None,
    ) -> None:
        rehearing, self._rows = kept.hearing(bundle, delegate)
        super().__init__(rehearing, back_seconds=LOOK_BACK_SECONDS, wait_seconds=WAIT_SECONDS)

    def scores(self, steps: Steps, *, afresh: bool) -> Track:
        """They are scores already."""
        return steps[:, 0]

    def reset(self) -> None:
        """As new."""
        super().reset()
        self._rows.reset()


def second_opinion(
    bundle: Bundle,
    other: Bundle,
    kept: KeptAudio,
    delegate: Delegate | None = None,
) -> SecondOpinion:
    """That of `other` on the wake word of `bundle`; raises BundleError where they are models of two words."""
    if bundle.labels != other.labels:
        raise BundleError(
            f"{other.manifest_path}: hears {', '.join(other.labels)}, so it cannot confirm "
            f"{', '.join(bundle.labels)}; name another model of the same word"
        )
    return SecondOpinion(other, kept, delegate)


def word_with_second_opinion(
    bundle: Bundle,
    other: Bundle,
    kept: KeptAudio,
    *,
    threshold: float | None = None,
    least: float | None = None,
    delegate: Delegate | None = None,
) -> ConfirmedWord:
    """A wake word with another model of it as its second stage.

    Args:
        bundle: of the wake word.
        other: the other model.
        kept: for the words of one engine.
        threshold: of the wake word's own model. Without it and `least`, both are those that were measured for
            this pair of models, or else the model's own and what both models' own come to together.
        least: score that both must have together, see kws.confirmed.together.
        delegate: what computes both, see kws.delegates.

    Raises:
        BundleError: one of them is unfit, or they are models of two words.
    """
    look = second_opinion(bundle, other, kept, delegate)
    measured = second_stage_of(bundle, other)
    if measured and threshold is None and least is None:
        threshold, least = measured.threshold, measured.least
    if not measured:
        look.open()
    enough = together(bundle.threshold, other.threshold, WEIGHT) if least is None else least
    return ConfirmedWord(bundle, look, threshold=threshold, least=enough, weight=WEIGHT, delegate=delegate)
