"""Synthetic voices: every back end found on this machine, one file each.

To add a back end, write a module with `voices() -> list[Voice]` and name it in BACKENDS.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import soxr

from kws.errors import KwsError
from kws.types import SAMPLE_RATE, Samples

BACKENDS = ("espeak", "flite", "festival")


@dataclass(frozen=True)
class Voice:
    """One speaker of one back end."""

    name: str
    speak: Callable[[str, float, float], tuple[Samples, int]]
    """(text, speed, pitch) -> int16 samples (n,) and their rate in Hertz; speed and pitch are factors around 1."""


def available_voices() -> list[Voice]:
    """All voices of all back ends installed here; raises KwsError when there is none."""
    found = [voice for name in BACKENDS for voice in importlib.import_module(f"training.synth.{name}").voices()]
    if not found:
        raise KwsError("no speech synthesizer found; install espeak-ng (Debian package espeak-ng), better flite as well")
    return found


def synthesize(texts: list[str], rng: np.random.Generator, *, workers: int = 2) -> list[Samples]:
    """Each text spoken once by a random voice, speed 0.75 to 1.35 and pitch 0.75 to 1.3; 16 kHz int16 clips.

    Utterances that come out empty are left out, so the list may be shorter than `texts`.
    """
    voices = available_voices()
    # Back ends count alike whatever their number of voices: flite's dozen sound less alike than espeak's hundred.
    groups = [[v for v in voices if v.name.startswith(f"{name}:")] for name in BACKENDS]
    weights = np.array([min(len(group), 40) for group in groups], float)
    jobs = []
    for text in texts:
        group = groups[rng.choice(len(groups), p=weights / weights.sum())]
        jobs.append((group[rng.integers(len(group))], text, rng.uniform(0.75, 1.35), rng.uniform(0.75, 1.3)))
    with ThreadPoolExecutor(workers) as pool:
        spoken = list(pool.map(_speak, jobs))
    return [samples for samples in spoken if len(samples) > SAMPLE_RATE // 10]


def _speak(job: tuple[Voice, str, float, float]) -> Samples:
    voice, text, speed, pitch = job
    samples, rate = voice.speak(text, speed, pitch)
    if rate == SAMPLE_RATE or not len(samples):
        return samples
    return np.asarray(soxr.resample(samples, rate, SAMPLE_RATE), np.int16)
