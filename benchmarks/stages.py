"""CPU time of each stage of the runtime, one thread, stages taking turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from kws.bench.process import Spread
from kws.bundle import bundled_names, find_bundle
from kws.encoders.logmel import LogMel
from kws.encoders.speech_embedding import SpeechEmbedding
from kws.frontend import Frontend
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import find_recognizer
from kws.selftest import bundled_recordings
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples
from training.voice_change import change_voice, random_change

SECONDS = 60
BLOCK = SAMPLE_RATE // 25
"""Samples handed over at a time, 40 ms."""
RESETS = 20

Work = Callable[[], object]


def stages() -> dict[str, Work]:
    """Title -> hearing a minute of the selftest's recordings once."""
    audio = np.resize(
        np.concatenate([read_samples(r.audio) for r in bundled_recordings()]), SECONDS * SAMPLE_RATE
    )
    rows = Frontend().push(audio)
    bundle = find_bundle(bundled_names()[0])
    wake_word, reference = bundle.open_model(), bundle.open_model(reference_kernels=True)
    recognizer = AcousticModel(find_recognizer("english"))
    change = random_change(np.random.default_rng(1))
    return {
        "micro front end": _streamed(Frontend().push, audio),
        "log-mel rows": _streamed(LogMel().push, audio),
        "speech embedding with them, float32": _streamed(SpeechEmbedding().push, audio),
        "speech embedding with them, int8": _streamed(SpeechEmbedding(int8=True).push, audio),
        "one wake word on rows": lambda: wake_word.push(rows),
        "the same on reference kernels": lambda: reference.push(rows),
        "recognizer on rows": lambda: recognizer.push(rows),
        "changing a voice (training)": lambda: change_voice(audio, change),
    }


def measure(rounds: int) -> dict[str, Spread]:
    """CPU seconds per second of audio of every stage, after one round that is not counted."""
    work = stages()
    found: dict[str, list[float]] = {title: [] for title in work}
    for number in range(rounds + 1):
        for title, hear in work.items():
            spent = _seconds(hear)
            if number:
                found[title].append(spent / SECONDS)
    return {title: Spread.of(values) for title, values in found.items()}


def reset_seconds(rounds: int) -> Spread:
    """CPU seconds that resetting one wake word takes."""
    model = find_bundle(bundled_names()[0]).open_model()

    def resets() -> None:
        for _ in range(RESETS):
            model.reset()

    resets()
    return Spread.of(_seconds(resets) / RESETS for _ in range(rounds))


def _streamed(push: Callable[[Samples], object], audio: Samples) -> Work:
    def hear() -> None:
        for block in _blocks(audio):
            push(block)

    return hear


def _blocks(audio: Samples) -> Iterator[Samples]:
    return (audio[start : start + BLOCK] for start in range(0, len(audio), BLOCK))


def _seconds(work: Work) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before
