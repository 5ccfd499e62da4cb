"""Train one word on one rung and measure it, with what the training cost."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kws.bundle import find_bundle
from kws.evaluation import Proportion, Rate
from kws.sources.whole import read_samples
from kws.types import Samples
from training.accuracy.dev_streams import AMID, is_word
from training.accuracy.figures import Figures
from training.data.manifest import read_manifest, recordings_manifest
from training.evaluate import evaluate
from training.job import Job, run
from training.ladder.rungs import Rung
from training.stopwatch import Stopwatch

PER_HOUR = ("0.5", "1")
"""False alarms allowed, as `Figures.points` names them."""
CONDITIONS = ("clean", AMID, "10 dB")
"""Some rows were made before words were heard amid talk, and lack it."""
COMMAND = "python -m training.ladder"


@dataclass(frozen=True)
class Climbed:
    """What came of it."""

    word: str
    rung: str
    words: int
    """Occurrences in each condition."""
    hours: float
    """Of speech without the word."""
    misses: dict[str, dict[str, int]]
    """False alarms allowed an hour -> condition -> words missed."""
    false_alarms: dict[str, int]
    """The same -> how many there were."""
    bytes: int
    cpu_minutes: float
    """Of the training, all its processes."""
    minutes: float
    """By the clock."""
    command: str
    date: str

    def missed(self, rate: str, condition: str) -> Proportion | None:
        """Misses at so many false alarms an hour; None where the condition was not heard."""
        count = self.misses[rate].get(condition)
        return None if count is None else Proportion(count, self.words)

    def alarms(self, rate: str) -> Rate:
        """False alarms at the same threshold."""
        return Rate(self.false_alarms[rate], self.hours)


def climb(word: str, rung: Rung, *, seed: int, cache: Path) -> Climbed:
    """Train and measure; the bundle stays under `cache`.

    Raises:
        KwsError: nobody says this word in the dev recordings.
    """
    output = _output(word, rung.name, cache)
    command = command_of(word, rung, seed)
    own = own_clips(word, rung.clips, seed) if rung.clips else ()
    job = Job(word, rung.settings(), output, seed, rung.recordings, cache, command, own)
    watch = Stopwatch()
    manifest = run(job)
    minutes = watch.minutes()
    figures, _ = evaluate(find_bundle(manifest))
    return climbed(rung.name, figures, minutes, command)


def heard_again(before: Climbed, cache: Path) -> Climbed:
    """The same row, its bundle under `cache` measured anew; KwsError where it is not there."""
    figures, _ = evaluate(find_bundle(_output(before.word, before.rung, cache)))
    return climbed(before.rung, figures, (before.cpu_minutes, before.minutes), before.command)


def _output(word: str, rung: str, cache: Path) -> Path:
    return cache / "ladder" / f"{word.replace(' ', '_')}-{rung}"


def command_of(word: str, rung: Rung, seed: int) -> str:
    """What measures the same again."""
    return f"{COMMAND} {word!r} --rung {rung.name} --seed {seed}"


def climbed(rung: str, figures: Figures, minutes: tuple[float, float], command: str) -> Climbed:
    """What is kept of a model's figures; `minutes`: of the CPU and by the clock."""
    points = {rate: figures.points[rate] for rate in PER_HOUR}
    return Climbed(
        figures.word, rung, figures.words, figures.speech_hours,
        {rate: {name: point.misses[name] for name in CONDITIONS} for rate, point in points.items()},
        {rate: point.false_alarms for rate, point in points.items()},
        figures.bytes, *minutes, command, time.strftime("%Y-%m-%d"),
    )  # fmt: skip


def own_clips(word: str, count: int, seed: int) -> tuple[Samples, ...]:
    """So many recordings of the word from the `train` split, as if its user had made them."""
    clips = [
        clip
        for clip in read_manifest(recordings_manifest())
        if clip.split == "train" and clip.licence == "ship" and is_word(clip, word)
    ]
    chosen = np.random.default_rng([seed, 41]).permutation(len(clips))[:count]
    return tuple(read_samples(clips[index].path) for index in sorted(chosen))
