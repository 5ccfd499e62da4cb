"""Synthetic voices: every back end found on this machine, one file each.

To add a back end, write a module with `voices() -> list[Voice]` and name it in BACKENDS.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from kws.errors import KwsError
from kws.types import SAMPLE_RATE, Samples
from training.shards import WORKERS, spread
from training.synth.kept import KeptSpeech

BACKENDS = ("espeak", "flite", "festival", "mbrola", "pico", "piper")


@dataclass(frozen=True)
class Voice:
    """One speaker of one back end."""

    name: str
    speak: Callable[[str, float, float], tuple[Samples, int]]
    """(text, speed, pitch) -> int16 samples (n,), their rate in Hertz; speed and pitch are factors."""
    licence: str
    """Of the voice's data."""
    shippable: bool = True
    """Whether a model trained on it may be published."""
    version: str = ""
    """Of program and data: what it says differs with it."""

    @property
    def backend(self) -> str:
        """The part of its name before the colon."""
        return self.name.partition(":")[0]


def available_voices(*, shippable_only: bool = True) -> list[Voice]:
    """All voices of all back ends installed here; raises KwsError when there is none.

    Those under non-commercial licences speak only when asked for, so that no model gets them unnoticed.
    """
    modules = (importlib.import_module(f"training.synth.{name}") for name in BACKENDS)
    found = [voice for module in modules for voice in module.voices()]
    usable = [voice for voice in found if voice.shippable or not shippable_only]
    if not usable:
        raise KwsError(
            "no speech synthesizer found; install espeak-ng (Debian package espeak-ng), better flite as well"
        )
    return usable


def synthesize(
    texts: list[str],
    rng: np.random.Generator,
    *,
    workers: int = WORKERS,
    shippable_only: bool = True,
    cache: Path | None = None,
    keep_empty: bool = False,
) -> list[Samples]:
    """Each text spoken once by a random voice, speed 0.75 to 1.35 and pitch 0.75 to 1.3; 16 kHz int16 clips.

    Utterances that come out empty are left out, so the list may be shorter than `texts`, unless `keep_empty`.
    Under `cache` they are kept for the next time.
    """
    if not texts:
        return []
    voices = available_voices(shippable_only=shippable_only)
    # A back end counts for 40 voices at most: a few of flite sound less alike than a hundred of espeak.
    groups = [[voice for voice in voices if voice.backend == name] for name in BACKENDS]
    weights = np.array([min(len(group), 40) for group in groups], float)
    jobs = []
    for text in texts:
        group = groups[rng.choice(len(groups), p=weights / weights.sum())]
        jobs.append((group[rng.integers(len(group))], text, rng.uniform(0.75, 1.35), rng.uniform(0.75, 1.3)))
    kept = KeptSpeech(cache / "speech") if cache else None
    spoken = list(spread(_spoken, kept, jobs, f"speaking {len(jobs)} texts", workers=workers, threads=True))
    if kept:
        kept.trim()
    return [samples for samples in spoken if keep_empty or len(samples) > SAMPLE_RATE // 10]


_Job = tuple[Voice, str, float, float]


def _spoken(kept: KeptSpeech | None, job: _Job) -> Samples:
    """From the folder, or else spoken and put there."""
    if kept is None:
        return _speak(job)
    voice, *asked = job
    place = kept.place(voice.name, voice.version, *asked)
    samples = kept.read(place)
    if samples is None:
        samples = _speak(job)
        kept.write(place, samples)
    return samples


def _speak(job: _Job) -> Samples:
    voice, text, speed, pitch = job
    samples, rate = voice.speak(text, speed, pitch)
    if rate == SAMPLE_RATE or not len(samples):
        return samples
    return np.asarray(soxr.resample(samples, rate, SAMPLE_RATE), np.int16)
