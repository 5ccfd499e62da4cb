"""Which of a training's weights to keep: those that miss the fewest words at the false alarms allowed.

Measured on tapes that nothing learns from, heard one after the other with the state carried on, as at work:
the accuracy of single steps says little about it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kws.evaluation import Occurrence, OperatingPoint, best_scores, det_curve, operating_point
from kws.frontends import row_format
from kws.scoring import ScoreTrack
from training.int8.quantize import to_real
from training.learning.smoothing import smoothed
from training.material.tapes import IGNORED, POSITIVE, TapeConfig, Tapes
from training.models import Network
from training.models.scoring import scorer

LANES = 16
"""Streams heard side by side."""
_CHUNK_STEPS = 100
_WORD_SECONDS = 0.6
"""Before its end a word may be heard as early as this; where it begins, tapes do not say."""
_MAX_PER_HOUR = 200.0


@dataclass(frozen=True)
class Listening:
    """What held-out material is judged by."""

    tapes: Tapes
    window: int
    """Steps that the detector averages."""
    per_hour: float
    """False alarms allowed."""


def streamed_misses(network: Network, listening: Listening) -> OperatingPoint:
    """Misses at the lowest threshold that keeps to the false alarms allowed."""
    heard = held_out_scores(network, listening)
    curve = det_curve(heard.best, heard.speech, heard.hours, max_per_hour=_MAX_PER_HOUR)
    return operating_point(curve, listening.per_hour)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What a network makes of the held-out tapes.

    False alarms are counted on those without words: on the others near misses stand closer than in any talk.
    """

    best: npt.NDArray[np.float32]
    """Highest score at each word."""
    speech: ScoreTrack
    hours: float


def held_out_scores(network: Network, listening: Listening) -> HeldOut:
    """All of them heard."""
    tapes = listening.tapes
    scores, wordless = _scores(network, tapes), ~np.any(tapes.marks == POSITIVE, axis=1)
    track, words = _joined(network, listening, scores, ~wordless)
    quiet, _ = _joined(network, listening, scores, wordless)
    return HeldOut(best_scores(track, words), quiet, float(tapes.hours * np.mean(wordless)))


def _joined(
    network: Network, listening: Listening, scores: npt.NDArray[np.float32], chosen: npt.NDArray[np.bool_]
) -> tuple[ScoreTrack, list[Occurrence]]:
    """These tapes as one track, and the words on it."""
    step_seconds = network.stride * row_format(listening.tapes.front_end).row_seconds
    marks = listening.tapes.marks[chosen, network.stride - 1 :: network.stride]
    flat, steps = scores[chosen].ravel(), scores.shape[1]
    smooth = smoothed(flat, listening.window)
    words = [
        word for lane, row in enumerate(marks[:, :steps]) for word in _words(row, lane * steps, step_seconds)
    ]
    return ScoreTrack(np.arange(flat.size) * step_seconds, smooth.astype(np.float32)), words


def _words(marks: npt.NDArray[np.int8], first: int, step_seconds: float) -> Iterator[Occurrence]:
    """Each word of one tape whose first step is the track's `first`."""
    near = np.concatenate([[False], (marks == POSITIVE) | (marks == IGNORED), [False]])
    edges = np.flatnonzero(np.diff(near.astype(np.int8)))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        positive = np.flatnonzero(marks[start:stop] == POSITIVE)
        if len(positive):
            end = (first + start + positive[-1] + 1) * step_seconds - TapeConfig().positive[1]
            yield Occurrence(end - _WORD_SECONDS, end)


def _scores(network: Network, tapes: Tapes) -> npt.NDArray[np.float32]:
    """Shape (tapes, steps): of lanes that play tape after tape."""
    score = scorer(network)
    rows_at_once = _CHUNK_STEPS * network.stride
    length = tapes.rows.shape[1] // network.stride * network.stride
    rounds = -(-len(tapes) // LANES)
    found = np.zeros((rounds * LANES, length // network.stride), np.float32)
    states = network.zero_states(LANES)
    for number in range(rounds):
        lanes = np.arange(LANES) * rounds + number
        rows = tapes.rows[np.minimum(lanes, len(tapes) - 1)]
        for start in range(0, length, rows_at_once):
            logits, states = score(to_real(rows[:, start : min(start + rows_at_once, length)]), states)
            step = start // network.stride
            found[lanes, step : step + logits.shape[1]] = tf.sigmoid(logits).numpy()
    return found[: len(tapes)]
