"""Blocks of audio -> the score track: the smoothed score at every model step, for curves and evaluation."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kws.engine import WakeWord
from kws.frontends import new_front_end
from kws.types import SAMPLE_RATE, Block


@dataclass(frozen=True, eq=False)
class ScoreTrack:
    """What the detector compares with its threshold, step by step."""

    time: npt.NDArray[np.float64]
    """End of each step, seconds of the stream, shape (steps,)."""
    score: npt.NDArray[np.float32]
    """Smoothed scores, 0 to 1; shape (steps,) for one label, (steps, labels) for several."""

    def save(self, path: str) -> None:
        """Write both arrays to exactly this path, in numpy's .npz form; raises OSError."""
        with open(path, "wb") as file:
            np.savez(file, time=self.time, score=self.score)


def score_track(blocks: Iterable[Block], wake_word: WakeWord) -> ScoreTrack:
    """The track of one stream without gaps; memory grows by four bytes a step and label, nothing else.

    Raises:
        ValueError: a block says that audio was lost before it; a track has no place for that.
    """
    front_end = new_front_end(wake_word.bundle.front_end, wake_word.bundle.engine)
    wake_word.reset()
    scores = array("f")
    position = 0
    for block in blocks:
        if block.start not in (None, position):
            raise ValueError(
                f"audio is missing at {position / SAMPLE_RATE:.2f} s; a score track needs all of it"
            )
        position += len(block.pcm)
        scores.frombytes(wake_word.scores(front_end.push(block.pcm)).tobytes())
    labels = len(wake_word.detectors)
    score = np.array(scores, np.float32).reshape(-1, labels)
    return ScoreTrack(_step_ends(wake_word, len(score)), score[:, 0] if labels == 1 else score)


def _step_ends(wake_word: WakeWord, steps: int) -> npt.NDArray[np.float64]:
    first, second = wake_word.step_end(0), wake_word.step_end(1)
    return (first + (second - first) * np.arange(steps)) / SAMPLE_RATE
