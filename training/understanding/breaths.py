"""Wake words and commands by synthetic voices, with any pause between them, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from kws.bundle import find_bundle
from kws.evaluation.activity import speech_span
from kws.evaluation.levels import to_float, to_int16, to_level
from kws.types import SAMPLE_RATE, Samples
from training.synth import Voice

BACKENDS = {"espeak": 0.45, "flite": 0.45, "festival": 0.1}
"""Who speaks how often; festival needs seconds a sentence."""

LEVEL = -26.0
"""Active speech level of word and command, dB re full scale."""
LEAD_SECONDS, TAIL_SECONDS = 2.0, 2.5
"""Faint noise before the wake word, to which the front end adapts, and after the command, which ends it."""
ALONE_SECONDS = 0.5
"""The same before a command by itself."""


@dataclass(frozen=True, eq=False)
class Breath:
    """One combination."""

    voice: str
    model: str
    """Bundled name of the wake word's model."""
    wake: Samples
    """The spoken word, trimmed."""
    command: Samples
    """Likewise."""
    text: str
    """What the command says."""

    def together(self, gap: float, rng: np.random.Generator) -> tuple[Samples, int]:
        """Both as one recording, `gap` seconds apart, and the sample at which the command begins."""
        before = quiet(LEAD_SECONDS, rng)
        pause, after = quiet(gap, rng), quiet(TAIL_SECONDS, rng)
        start = len(before) + len(self.wake) + len(pause)
        return np.concatenate([before, self.wake, pause, self.command, after]), start

    def alone(self, rng: np.random.Generator) -> Samples:
        """The command without the wake word."""
        return np.concatenate([quiet(ALONE_SECONDS, rng), self.command, quiet(TAIL_SECONDS, rng)])


def breaths(voices: Sequence[Voice], models: Sequence[str], seed: int) -> Iterator[Breath]:
    """Combinations without end; a voice that says nothing is passed over."""
    rng = np.random.default_rng(seed)
    groups = {name: [voice for voice in voices if voice.backend == name] for name in BACKENDS}
    groups = {name: group for name, group in groups.items() if group}
    shares = np.array([BACKENDS[name] for name in groups])
    while True:
        group = list(groups.values())[rng.choice(len(groups), p=shares / shares.sum())]
        voice, model = group[rng.integers(len(group))], models[rng.integers(len(models))]
        text, speed, pitch = command_text(rng), float(rng.uniform(0.85, 1.15)), float(rng.uniform(0.85, 1.2))
        wake = spoken_by(voice, find_bundle(model).wake_word, speed, pitch)
        command = spoken_by(voice, text, speed, pitch)
        if len(wake) and len(command):
            yield Breath(voice.name, model, wake, command, text)


def command_text(rng: np.random.Generator) -> str:
    """A sentence of the home grammar, as it is written in transcripts."""

    def one(*options: str) -> str:
        return options[rng.integers(len(options))]

    area = one("kitchen", "living room", "bedroom", "bathroom", "hallway", "office", "garage", "garden")
    switch = one("on", "off")
    number = one("one", "two", "three", "five", "ten", "twenty", "thirty", "forty", "fifty", "sixty")
    return one(
        f"lights {switch}",
        f"{one('turn', 'switch')} {switch} the lights",
        f"{one('turn', 'switch')} {switch} the {area} light",
        f"lights {switch} in the {area}",
        f"{one('set', 'dim')} the {area} lights to {number} percent",
        f"{one('open', 'close', 'raise', 'lower')} the {area} {one('blinds', 'shutter', 'curtains')}",
        f"{one('set', 'start')} a timer for {number} minutes",
        f"wake me up in {number} minutes",
    )


def spoken_by(voice: Voice, text: str, speed: float, pitch: float) -> Samples:
    """A text, trimmed to the speech and at LEVEL; empty where the voice says nothing."""
    samples, rate = voice.speak(text, speed, pitch)
    if len(samples) < rate // 10:
        return samples[:0]
    audio = to_float(samples)
    if rate != SAMPLE_RATE:
        audio = np.asarray(soxr.resample(audio, rate, SAMPLE_RATE), np.float32)
    levelled = to_int16(to_level(audio, LEVEL))
    start, end = speech_span(levelled)
    return levelled[start:end]


def quiet(seconds: float, rng: np.random.Generator) -> Samples:
    """Faint noise."""
    return np.rint(rng.normal(0, 6, round(seconds * SAMPLE_RATE))).astype(np.int16)
