"""A word found by its spelling alone, measured as the trained ones are: the rung below all others."""

from __future__ import annotations

import time
from collections.abc import Mapping

import numpy as np

from kws.evaluation import best_scores, det_curve, operating_point
from kws.evaluation.matching import misses
from kws.frontends import row_format
from kws.recognition.build import spotting_stage, spotting_tokens
from kws.recognition.bundle import find_recognizer
from kws.recognition.recognizer import AcousticStage
from kws.recognition.spelling import phrase_spellings
from kws.recognition.spotter import Spotter
from kws.scoring import ScoreTrack
from training.accuracy.dev_streams import CLEAN, NOISY, SPEECH, dev_stream
from training.accuracy.measure import Scored
from training.ladder.climb import PER_HOUR, Climbed
from training.stopwatch import Stopwatch

_SECONDS_AT_ONCE = 60


def spelled(word: str, command: str, *, recognizer: str = "english") -> Climbed:
    """What `--spot WORD` would find in the dev streams, at thresholds chosen as for every rung.

    Nothing is trained for the word. The size is that of the recognizer, which serves all words.
    """
    bundle, watch = find_recognizer(recognizer), Stopwatch()
    stage = spotting_stage(bundle)
    spotter = Spotter({word: phrase_spellings(word, spotting_tokens(bundle))}, stage.step_seconds)
    minutes = watch.minutes()
    heard = {name: scored(word, name, stage, spotter) for name in (CLEAN, NOISY, SPEECH)}
    return counted(word, "spelled", heard, bundle.model_path.stat().st_size, minutes, command)


def counted(
    word: str, rung: str, heard: Mapping[str, Scored], size: int, minutes: tuple[float, float], command: str
) -> Climbed:
    """What is kept of the tracks of a word that nothing was trained for.

    Args:
        word: as it is labelled.
        rung: by whatever name.
        heard: CLEAN, NOISY and SPEECH.
        size: bytes of what scores it.
        minutes: of the CPU and by the clock.
        command: what measures the same again.
    """
    best = {name: best_scores(heard[name].track, heard[name].layout.occurrences) for name in (CLEAN, NOISY)}
    speech = heard[SPEECH]
    curve = det_curve(best[CLEAN], speech.track, speech.layout.hours)
    points = {rate: operating_point(curve, float(rate)) for rate in PER_HOUR}
    return Climbed(
        word, rung, len(best[CLEAN]), speech.layout.hours,
        {
            rate: {name: misses(scores, point.threshold).count for name, scores in best.items()}
            for rate, point in points.items()
        },
        {rate: point.false_alarms.count for rate, point in points.items()},
        size, *minutes, command, time.strftime("%Y-%m-%d"),
    )  # fmt: skip


def scored(word: str, stream: str, stage: AcousticStage, spotter: Spotter) -> Scored:
    """The spotter's score after every step of a stream, which is heard without a reset."""
    heard = dev_stream(word, stream, front_end=stage.front_end)
    piece = round(_SECONDS_AT_ONCE / row_format(stage.front_end).row_seconds)
    stage.reset()
    spotter.reset()
    scores = [
        spotter.scores(stage.push(heard.rows[first : first + piece]))[:, 0]
        for first in range(0, len(heard.rows), piece)
    ]
    score = np.concatenate(scores).astype(np.float32)
    return Scored(ScoreTrack((1 + np.arange(len(score))) * stage.step_seconds, score), heard.layout)
