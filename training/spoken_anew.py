"""A finished model hears synthetic voices say its phrase and near misses of it, none of them learned from."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from kws.bundle import Bundle
from kws.engine import WakeWord
from kws.evaluation import Proportion, best_scores
from kws.evaluation.streams import WORDS, StreamRecipe
from kws.evaluation.trial_streams import WordStream
from kws.scoring import score_track
from kws.standard_error import silenced
from kws.types import SAMPLE_RATE, Samples
from training.material.noises import made_noises
from training.synth import synthesize
from training.words.confusion import near_misses

TIMES = 5
"""Each near miss is said, by another voice every time."""
MORE = 48
"""Near misses that are sought; the nearest half of them or so is what a training is given."""
NOISY = replace(WORDS, snr_db=10.0)
NOISES = 12

Scores = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class NearMiss:
    """One phrase that sounds like the wake word."""

    text: str
    learned: bool
    """Whether the training refused it too, said by others."""
    scores: Scores
    """The highest of each time it was said."""

    def taken(self, threshold: float) -> Proportion:
        """How often it was taken for the wake word."""
        return Proportion(int(np.count_nonzero(self.scores >= np.float32(threshold))), len(self.scores))


def near_misses_heard(bundle: Bundle, phrase: str, *, seed: int, cache: Path) -> list[NearMiss]:
    """Those that the training had and as many others, heard by the model as it will be deployed."""
    learned = near_misses(phrase)
    texts = list(dict.fromkeys([*learned, *near_misses(phrase, MORE)]))
    said = [text for text in texts for _ in range(TIMES)]
    clips = synthesize(said, np.random.default_rng([seed, 98]), cache=cache, keep_empty=True)
    spoken = [(text, clip) for text, clip in zip(said, clips, strict=True) if len(clip) > SAMPLE_RATE // 10]
    scores = heard(bundle, [clip for _, clip in spoken])
    owners = np.array([text for text, _ in spoken])
    return [NearMiss(text, text in learned, scores[owners == text]) for text in texts if text in owners]


def heard(bundle: Bundle, clips: Sequence[Samples], recipe: StreamRecipe = WORDS, *, seed: int = 1) -> Scores:
    """The highest score in the hit window of each clip, shape (clips,); in made noise at the recipe's SNR."""
    if not clips:
        return np.empty(0, np.float32)
    with tempfile.TemporaryDirectory() as folder:
        words = [_file(folder, f"word{n}", clip) for n, clip in enumerate(clips)]
        noises = [
            _file(folder, f"noise{n}", sound) for n, sound in enumerate(made_noises(NOISES, seed=seed + 1))
        ]
        stream = WordStream(words, recipe, noises)
        with silenced():
            track = score_track(stream.blocks(), WakeWord(bundle))
        return best_scores(track, stream.layout.occurrences)


def _file(folder: str, name: str, samples: Samples) -> Path:
    path = Path(folder) / f"{name}.wav"
    soundfile.write(path, samples, SAMPLE_RATE)
    return path
