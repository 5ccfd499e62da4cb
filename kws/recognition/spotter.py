"""A phrase by its spelling, found anywhere in speech: its path through the log-probabilities or a filler's.

The filler says at every step whatever is likeliest (Rose and Paul 1990; the phone loop of Szöke et al.
2005, "Comparison of keyword spotting approaches for informal continuous speech"). A phrase's path may
begin at any step and costs what it loses against the filler; the score is exp(-cost / tokens), so it
compares across phrases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kws.events import Detection
from kws.recognition.lexicon import Spelling
from kws.recognition.tokens import BLANK, LogProbs

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SpotterConfig:
    """When a phrase counts as found."""

    threshold: float = 0.3
    """Score, 0 to 1: the geometric mean of its tokens' probabilities against the likeliest ones."""
    refractory: float = 1.0
    """Seconds after a detection in which the phrase is not found again."""


class Spotter:
    """A streaming Stage: log-probabilities -> Detections, each at the step where its score is highest.

    Args:
        phrases: name -> its spellings in tokens.
        step_seconds: from one step to the next.
        config: threshold and quiet time.
        thresholds: of phrases that have one of their own.
    """

    def __init__(
        self,
        phrases: Mapping[str, Sequence[Spelling]],
        step_seconds: float,
        config: SpotterConfig | None = None,
        thresholds: Mapping[str, float] | None = None,
    ) -> None:
        self.config = config or SpotterConfig()
        self.thresholds = dict.fromkeys(phrases, self.config.threshold) | dict(thresholds or {})
        self._seconds = step_seconds
        self._names = [name for name, ways in phrases.items() for _ in ways]
        self._chains = _Chains([spelling for ways in phrases.values() for spelling in ways])
        self.reset()

    def push(self, log_probs: LogProbs) -> list[Detection]:
        """Phrases whose best moment these steps have passed."""
        found = []
        for row in log_probs:
            costs, starts = self._chains.advance(row)
            self._step += 1
            found += self._judged(np.exp(costs), starts)
        return found

    def flush(self) -> list[Detection]:
        """Phrases that were still getting better."""
        found = [self._detection(name) for name in list(self._rising)]
        self.reset()
        return found

    def reset(self) -> None:
        """As new."""
        self._step = 0
        self._chains.reset()
        self._rising: dict[str, tuple[float, int, int]] = {}  # name -> best score, its start and end
        self._ready: dict[str, int] = {}  # name -> first step after its refractory time

    def scores(self, log_probs: LogProbs) -> Values:
        """The score at every step instead of detections, shape (steps, phrases), for choosing a threshold."""
        names = list(dict.fromkeys(self._names))
        track = np.zeros((len(log_probs), len(names)))
        for step, row in enumerate(log_probs):
            for name, score in zip(self._names, np.exp(self._chains.advance(row)[0]), strict=True):
                column = names.index(name)
                track[step, column] = max(track[step, column], score)
        return track

    def _judged(self, scores: Values, starts: npt.NDArray[np.int64]) -> list[Detection]:
        """A phrase is reported at the step after its best one, or as soon as it falls below the threshold."""
        best: dict[str, tuple[float, int]] = {}
        for name, score, start in zip(self._names, scores.tolist(), starts.tolist(), strict=True):
            if score >= self.thresholds[name] and score > best.get(name, (0.0, 0))[0]:
                best[name] = (score, start)
        found = [self._detection(name) for name in list(self._rising) if self._is_over(name, best)]
        for name, (score, start) in best.items():
            if self._step >= self._ready.get(name, 0) and score > self._rising.get(name, (0.0, 0, 0))[0]:
                self._rising[name] = (score, start, self._step)
        return found

    def _is_over(self, name: str, best: Mapping[str, tuple[float, int]]) -> bool:
        return best.get(name, (0.0, 0))[0] <= self._rising[name][0]

    def _detection(self, name: str) -> Detection:
        score, start, end = self._rising.pop(name)
        self._ready[name] = self._step + round(self.config.refractory / self._seconds)
        return Detection(name, score, self.thresholds[name], start * self._seconds, end * self._seconds)


class _Chains:
    """All spellings, one behind the other; each token waits for the one before it in its own chain."""

    def __init__(self, spellings: Sequence[Spelling]) -> None:
        self._symbol = np.array([token for spelling in spellings for token in spelling], np.int64)
        lengths = np.array([len(spelling) for spelling in spellings])
        self._last = np.cumsum(lengths) - 1
        self._first = self._last - lengths + 1
        self._length = lengths
        # Whether a token differs from the one before it, so that no blank has to stand between.
        self._differs = np.concatenate([[True], self._symbol[1:] != self._symbol[:-1]])
        self.reset()

    def reset(self) -> None:
        """No chain begun."""
        self._step = 0
        shape = (2, len(self._symbol))  # the last step said the token; it was a blank
        self._cost = np.full(shape, -np.inf)
        self._start = np.zeros(shape, np.int64)

    def advance(self, row: npt.NDArray[np.float32]) -> tuple[Values, npt.NDArray[np.int64]]:
        """One step; returns for each spelling its mean nats per token, 0 or less, and where it began."""
        relative = (row - row.max()).astype(np.float64)
        said, paused = self._cost
        entered = np.full(len(said), -np.inf)
        entered[1:] = np.maximum(np.where(self._differs[1:], said[:-1], -np.inf), paused[:-1])
        came_paused = np.concatenate([[False], ~(self._differs[1:] & (said[:-1] > paused[:-1]))])
        start = np.empty_like(self._start)
        start[0, 1:] = np.where(came_paused[1:], self._start[1, :-1], self._start[0, :-1])
        entered[self._first] = 0.0  # the filler leads to every chain, at any step, for nothing
        start[0, self._first] = self._step
        stays = said >= entered
        start[0] = np.where(stays, self._start[0], start[0])
        start[1] = np.where(said > paused, self._start[0], self._start[1])
        self._cost = np.stack(
            [np.maximum(said, entered) + relative[self._symbol], np.maximum(said, paused) + relative[BLANK]]
        )
        self._start = start
        self._step += 1
        return self._cost[0, self._last] / self._length, start[0, self._last]
