"""Raw outputs of one label -> candidates: smooth, compare, stay quiet."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kws.types import Scores


@dataclass(frozen=True)
class Candidate:
    """The smoothed score reached the threshold."""

    step: int
    """Steps since the last reset, counted from 0."""
    score: float
    """The smoothed score at that step."""
    risen: int
    """The step at which the score came to the threshold from below, and has stayed there since."""


@dataclass(frozen=True)
class DetectorConfig:
    """How scores become detections. Counts are model steps."""

    threshold: float
    """Smoothed score, 0 to 1, at which a detection fires."""
    window: int = 5
    """Steps averaged (ESPHome: sliding_window_size); before that many have come, missing ones count as 0."""
    refractory: int = 33
    """Steps after a detection in which no other fires, about a second at 30 ms."""
    warmup: int = 0
    """Steps after a reset whose outputs count as 0, while the front end adapts."""
    output_scale: float = 1 / 256
    """Probability per unit of the uint8 output."""
    again: int = 0
    """For what only proposes: a score that stays at the threshold fires every so many steps, and the
    refractory time does not count. 0: it fires once."""


class Detector:
    """A streaming Stage: uint8 outputs, shape (steps,) -> list of Candidate.

    Posterior smoothing after Chen, Parada and Heigold 2014, "Small-footprint keyword spotting using
    deep neural networks", with a plain mean. A candidate fires at the step whose smoothed score
    reaches the threshold from below, unless it does so within the refractory time of the last one; then
    it has to come from below again. So one utterance fires once, also when its score dips for a moment
    and stays high beyond the refractory time, and a score that sticks fires once. With `again` all this is
    left to who takes the candidates, see kws/confirmed.py.
    """

    _recent: deque[int]  # the last `window` outputs
    _step: int  # steps since the last reset
    _ready_at: int  # first step after the refractory time
    _risen: int | None  # since when the score has been at the threshold or over it

    def __init__(self, config: DetectorConfig) -> None:
        self.config = config
        self._ones = np.ones(config.window, np.int64)
        self._scale = config.output_scale / config.window
        scores = self._scores(np.arange(config.window * 255 + 1))
        self._least = int(np.searchsorted(scores, np.float32(config.threshold)))
        self._rest = config.again or config.refractory
        self.reset()

    def push(self, outputs: npt.NDArray[np.uint8]) -> list[Candidate]:
        """Candidates among the next outputs, in order."""
        # Whole numbers one by one: from a microphone come one or two at a time, for which numpy is slow.
        steps = map(self._heard, outputs.tolist())
        return [candidate for candidate in steps if candidate]

    def smooth(self, outputs: npt.NDArray[np.uint8]) -> Scores:
        """The score track, shape (steps,): what `push` compares with the threshold, and the state moved on.

        Sums are whole numbers, so any split of the input gives the same bits.
        """
        if not len(outputs):
            return np.empty(0, np.float32)
        judged = outputs.astype(np.int64)
        if self._step < self.config.warmup:
            judged[: self.config.warmup - self._step] = 0
        history = np.concatenate([list(self._recent)[1:], judged]).astype(np.int64)
        sums = np.convolve(history, self._ones, "valid")  # one per new output: history starts window - 1 long
        self._recent.extend(judged[-self.config.window :].tolist())
        self._step += len(judged)
        return self._scores(sums)

    def flush(self) -> list[Candidate]:
        """Nothing: a candidate is never held back."""
        return []

    def reset(self) -> None:
        """As new."""
        self._recent = deque([0] * self.config.window, self.config.window)
        self._step = 0
        self._ready_at = 0
        self._risen = None

    def _heard(self, output: int) -> Candidate | None:
        step = self._step
        self._recent.append(output if step >= self.config.warmup else 0)
        total = sum(self._recent)
        self._step = step + 1
        if total < self._least:
            self._risen = None
            return None
        if self._risen is None:
            self._risen = step
        if (step > self._risen and not self.config.again) or step < self._ready_at:
            return None
        self._ready_at = step + self._rest
        return Candidate(step, float(self._scores(np.array(total))), self._risen)

    def _scores(self, sums: npt.NDArray[np.int64]) -> Scores:
        scores: Scores = (sums * self._scale).astype(np.float32)
        return scores
