"""What to expect of a new head, from what it has not learned from: its calibration table and its threshold.

Each head of a committee learns from all but a share of the streams, another share each, and hears that share
afterwards. False alarms are counted there, in real speech, by single heads; the committee has rather fewer.
Words are spoken anew by the same synthetic voices; people's words may be missed more often.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from kws.detector import Detector, DetectorConfig
from kws.evaluation import CalibrationRow, best_scores, calibrate, det_curve, operating_point
from kws.evaluation.calibration import calibration_thresholds
from kws.evaluation.streams import WORDS, Recording, RowStream, StreamRecipe, joined_rows
from kws.frontends import SPEECH_EMBEDDING, row_format
from kws.scoring import ScoreTrack
from kws.standard_error import silenced
from kws.types import SAMPLE_RATE, Samples
from training.heads.examples import Examples
from training.heads.head import Committee
from training.heads.sources import NO_SOURCES, Sources
from training.material.noises import made_noises
from training.synth import synthesize
from training.training_page import Evidence

PER_HOUR = 1.0
"""False alarms of single heads in an hour of speech at which the threshold is set; the committee has half
as many (docs/experiments/embedding-heads.md)."""
SPOKEN_WORDS = 100

_TOLD = "words by synthetic voices, clean and at 10 dB; speech that the head judging it had not learned from"
CONDITIONS = (WORDS, StreamRecipe(snr_db=10.0))
"""In which words are heard: as they are, and at 10 dB."""
_NOISES = 12
PROPOSED_PER_HOUR = 200.0
"""The same of heads that others judge (training.heads.cascade): a row of the table is for it."""
_APART = 10.0
"""Seconds between streams, more than a false alarm lasts."""
_STEPS = 256
"""Scores that a quantized model tells apart."""


@dataclass(frozen=True)
class Trial:
    """What came of it."""

    table: list[CalibrationRow]
    at: CalibrationRow
    """The row of the threshold that was chosen."""
    evidence: Evidence
    """From which both come, for the report."""

    @property
    def threshold(self) -> float:
        """At which there were PER_HOUR false alarms in an hour, or fewer."""
        return self.at.threshold

    def as_json(self) -> dict[str, object]:
        """For a model's card."""
        return {"material": _TOLD, **self.at.to_json()}

    def __str__(self) -> str:
        return (
            f"threshold {self.threshold:.3f}: {self.at.false_alarms.count} false alarms in "
            f"{self.at.false_alarms.hours:.1f} h of speech that was left out, {self.at.misses.count} of "
            f"{self.at.misses.total} synthetic words missed, {self.at.noisy_misses.count} in noise"
        )


def examine(
    heads: Committee,
    known: Examples,
    phrase: str,
    *,
    encoder: str,
    window: int,
    seed: int,
    cache: Path,
    sources: Sources = NO_SOURCES,
) -> Trial:
    """Hear what each head left out, and the phrase spoken anew.

    Args:
        heads: number n of them has learned from `known.left_by(n, len(heads.members))`.
        known: with the real speech in it.
        phrase: as it is spelled.
        encoder: whose rows they hear.
        window: steps that the detector averages.
        seed: of the training.
        cache: where synthesized speech is kept.
        sources: of the real speech.
    """
    spoken = say_anew(phrase, seed=seed, cache=cache)
    clean, noisy = (
        _words(heads, spoken_stream(spoken, recipe, front_end=encoder, seed=seed), window)
        for recipe in CONDITIONS
    )
    speech, hours = _speech(heads, known, window)
    curve = det_curve(clean, speech, hours, max_per_hour=PROPOSED_PER_HOUR)
    lowest = operating_point(curve, PROPOSED_PER_HOUR).threshold
    table = calibrate(sorted({lowest, *calibration_thresholds(curve)}), clean, noisy, speech, hours)
    threshold = min(1.0, operating_point(curve, PER_HOUR).threshold)
    (at,) = calibrate([threshold], clean, noisy, speech, hours)
    return Trial(table, at, _evidence(spoken, clean, noisy, speech, hours, sources))


def _evidence(
    spoken: Sequence[Samples],
    clean: npt.NDArray[np.float32],
    noisy: npt.NDArray[np.float32],
    speech: ScoreTrack,
    hours: float,
    sources: Sources,
) -> Evidence:
    told = f"Measured on {_TOLD}. False alarms are those of single heads; all together have fewer."
    words = {"by synthetic voices": clean, "at 10 dB": noisy}
    return Evidence(told, words, spoken, clean, speech, hours, sources.names, sources.owner)


def say_anew(phrase: str, *, seed: int, cache: Path) -> list[Samples]:
    """SPOKEN_WORDS times the phrase, by synthetic voices; the same again for the same seed of a training."""
    return list(synthesize([phrase] * SPOKEN_WORDS, np.random.default_rng([seed, 99]), cache=cache))


def spoken_stream(spoken: Sequence[Samples], recipe: StreamRecipe, *, front_end: str, seed: int) -> RowStream:
    """Words one after the other, as a front end hears them, under made noises where the recipe wants some."""
    with tempfile.TemporaryDirectory() as folder:
        words = [Recording(_file(folder, f"word{n}", clip), holds_word=True) for n, clip in enumerate(spoken)]
        noises = [
            _file(folder, f"noise{n}", sound) for n, sound in enumerate(made_noises(_NOISES, seed=seed + 1))
        ]
        with silenced():
            return joined_rows(words, recipe, front_end=front_end, noises=noises, responses=())


def _words(heads: Committee, stream: RowStream, window: int) -> npt.NDArray[np.float32]:
    """The best score at each word."""
    scores = _scores(heads.logits(stream.rows), window)
    return best_scores(ScoreTrack(_times(len(scores)), scores), stream.layout.occurrences)


def _speech(heads: Committee, known: Examples, window: int) -> tuple[ScoreTrack, float]:
    """All real speech, each stream as the head heard it that has not learned from it; and its hours."""
    judged = np.zeros(len(known.rows), bool)
    judged[known.negative] = True
    times, scores, begun, count = [], [], 0.0, 0
    for lane in range(known.first_real, known.lane[-1] + 1):
        here = np.flatnonzero(known.lane == lane)
        logits = heads.members[lane % len(heads.members)].logits(known.rows[here])
        scores.append(np.where(judged[here], _scores(logits, window), np.float32(0)))
        times.append(begun + _times(len(here)))
        begun = times[-1][-1] + _APART
        count += int(judged[here].sum())
    hours = count * row_format(SPEECH_EMBEDDING).row_seconds / 3600
    return ScoreTrack(np.concatenate(times), np.concatenate(scores)), hours


def _scores(logits: npt.NDArray[np.float32], window: int) -> npt.NDArray[np.float32]:
    """What the detector makes of the outputs of a quantized model."""
    outputs = np.rint(_STEPS / (1 + np.exp(-logits.astype(np.float64)))).clip(0, _STEPS - 1)
    return Detector(DetectorConfig(1.0, window)).smooth(outputs.astype(np.uint8))


def _times(rows: int) -> npt.NDArray[np.float64]:
    """End of each row, seconds."""
    config = row_format(SPEECH_EMBEDDING)
    return config.rows_end(1) / SAMPLE_RATE + config.row_seconds * np.arange(rows)


def _file(folder: str, name: str, samples: Samples) -> Path:
    path = Path(folder) / f"{name}.wav"
    soundfile.write(path, samples, SAMPLE_RATE)
    return path
