"""A second of audio as rows of the micro front end, after half a second in which it adapts.

In learning a word is shifted by up to 0.1 s, and noise lies under most of them (Warden 2018, section 7.4).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from kws.frontend import Frontend
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Rows, Samples
from training.data.manifest import Clip
from training.speech_commands.task import CLASSES, SILENCE, Task, class_of, drawn

ROWS = 99
"""Of a second, in steps of three."""
_LEAD_IN = SAMPLE_RATE // 2
_FLOOR_DBFS = -70.0
_SHIFT = SAMPLE_RATE // 10
_MIXED = 0.8
"""Share of words with noise under them."""
_SNR_DB = (5.0, 30.0)


@dataclass(frozen=True, eq=False)
class Heard:
    """Rows, int8, shape (clips, ROWS, 40), and the number of each one's class."""

    rows: Rows
    classes: np.ndarray


def learned_rows(task: Task, most: int, versions: int, seed: int, cache: Path) -> Heard:
    """Of each class so many clips at most, each in some versions; and as many pieces of noise."""
    clips = drawn(task.learned, most, seed)

    def hear() -> Iterator[tuple[Rows, str]]:
        rng = np.random.default_rng(seed)
        for clip in clips:
            second = one_second(read_samples(clip.path))
            for _ in range(versions):
                yield rows_of(_varied(second, task.noise, rng)), class_of(clip)
        for _ in range(versions * most):
            loud = rng.uniform(0, 1) * piece(task.noise, rng)
            yield rows_of(loud.astype(np.int16)), SILENCE

    names = [*(clip.path.name for clip in clips), *(clip.path.name for clip in task.noise)]
    return _kept(hear, names, f"learned {most} {versions} {seed}", cache)


def tested_rows(task: Task, seed: int, cache: Path) -> Heard:
    """As recorded; silence is cut where the noise is longer than a second."""

    def hear() -> Iterator[tuple[Rows, str]]:
        rng = np.random.default_rng(seed)
        for clip in task.tested:
            yield rows_of(one_second(read_samples(clip.path))), class_of(clip)
        for number in range(task.silences):
            noise = task.tested_noise[number % len(task.tested_noise)]
            yield rows_of(piece([noise], rng)), SILENCE

    names = [clip.path.name for clip in (*task.tested, *task.tested_noise)]
    return _kept(hear, names, f"tested {task.silences} {seed}", cache)


def rows_of(second: Samples) -> Rows:
    """The last ROWS rows of a second of audio, on a quiet that no microphone is below."""
    floor = 32768 * 10 ** (_FLOOR_DBFS / 20)
    noise = np.random.default_rng(0).normal(0, floor, _LEAD_IN + len(second))
    audio = noise + np.concatenate([np.zeros(_LEAD_IN), second])
    return Frontend().push(np.clip(np.round(audio), -32768, 32767).astype(np.int16))[-ROWS:]


def one_second(samples: Samples) -> Samples:
    """The beginning, or the whole with silence after it."""
    return np.pad(samples[:SAMPLE_RATE], (0, max(0, SAMPLE_RATE - len(samples))))


def piece(noise: Sequence[Clip], rng: np.random.Generator) -> Samples:
    """A second of one of them."""
    samples = _read(noise[rng.integers(len(noise))].path)
    start = rng.integers(max(1, len(samples) - SAMPLE_RATE + 1))
    return one_second(samples[start:])


def _varied(second: Samples, noise: Sequence[Clip], rng: np.random.Generator) -> Samples:
    by = int(rng.integers(-_SHIFT, _SHIFT + 1))
    audio = np.roll(second.astype(np.float64), by)
    audio[: max(0, by)] = audio[len(audio) + min(0, by) :] = 0
    if rng.random() < _MIXED:
        beside = piece(noise, rng).astype(np.float64)
        level = np.sqrt(np.mean(audio**2) / max(np.mean(beside**2), 1.0))
        audio += beside * level * 10 ** (-rng.uniform(*_SNR_DB) / 20)
    return np.clip(np.round(audio), -32768, 32767).astype(np.int16)


@lru_cache(maxsize=1024)
def _read(path: Path) -> Samples:
    return read_samples(path)


def _kept(
    hear: Callable[[], Iterator[tuple[Rows, str]]], names: Sequence[str], how: str, cache: Path
) -> Heard:
    key = hashlib.sha256("\n".join([how, *names]).encode()).hexdigest()[:16]
    path = cache / f"speech-commands-{key}.npz"
    if not path.is_file():
        rows, classes = zip(*hear(), strict=True)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(path, rows=np.stack(rows), classes=np.array([CLASSES.index(name) for name in classes]))
    with np.load(path) as arrays:
        return Heard(arrays["rows"], arrays["classes"])
