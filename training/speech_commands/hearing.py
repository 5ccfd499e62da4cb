"""A second of audio as rows of the micro front end, after half a second in which it adapts.

In learning a word is shifted by up to 0.1 s, and noise lies under most of them (Warden 2018, section 7.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.evaluation.levels import to_int16
from kws.frontend import Frontend, FrontendConfig
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Rows, Samples
from training.data.manifest import Clip
from training.kept import keep_arrays, key_of
from training.speech_commands.task import CLASSES, SILENCE, Task, class_of, drawn

ROWS = 99
"""Of a second, in steps of three."""
_LEAD_IN = SAMPLE_RATE // 2
_FLOOR_DBFS = -70.0
_SHIFT = SAMPLE_RATE // 10
_MIXED = 0.8
"""Share of words with noise under them."""
_SNR_DB = (5.0, 30.0)
_LEAST_POWER = 2.0**-30
"""Of what counts as noise: one step of int16, squared."""


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

    return _kept(hear, (*clips, *task.noise), ("learned", most, versions, seed), cache)


def tested_rows(task: Task, seed: int, cache: Path) -> Heard:
    """As recorded; silence is cut where the noise is longer than a second."""

    def hear() -> Iterator[tuple[Rows, str]]:
        rng = np.random.default_rng(seed)
        for clip in task.tested:
            yield rows_of(one_second(read_samples(clip.path))), class_of(clip)
        for number in range(task.silences):
            noise = task.tested_noise[number % len(task.tested_noise)]
            yield rows_of(piece([noise], rng)), SILENCE

    return _kept(hear, (*task.tested, *task.tested_noise), ("tested", task.silences, seed), cache)


def rows_of(second: Samples) -> Rows:
    """The last ROWS rows of a second of audio, on a quiet that no microphone is below."""
    audio = _quiet(_LEAD_IN + len(second)).copy()
    audio[_LEAD_IN:] += _full_scale(second)
    return Frontend().push(to_int16(audio))[-ROWS:]


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
    audio = np.roll(_full_scale(second), by)
    audio[: max(0, by)] = audio[len(audio) + min(0, by) :] = 0
    if rng.random() < _MIXED:
        beside = _full_scale(piece(noise, rng))
        level = np.sqrt(np.mean(audio**2) / max(np.mean(beside**2), _LEAST_POWER))
        audio += beside * level * 10 ** (-rng.uniform(*_SNR_DB) / 20)
    return to_int16(audio)


def _full_scale(samples: Samples) -> npt.NDArray[np.float64]:
    return samples.astype(np.float64) / 32768


@lru_cache(maxsize=1)
def _quiet(samples: int) -> npt.NDArray[np.float64]:
    return np.random.default_rng(0).normal(0, 10 ** (_FLOOR_DBFS / 20), samples)


@lru_cache(maxsize=1024)
def _read(path: Path) -> Samples:
    return read_samples(path)


def _kept(
    hear: Callable[[], Iterator[tuple[Rows, str]]],
    clips: Iterable[Clip],
    how: Sequence[str | int],
    cache: Path,
) -> Heard:
    names = [[clip.corpus, clip.label, clip.path.name] for clip in clips]
    path = cache / f"speech-commands-{key_of([FrontendConfig().digest, how, names])}.npz"
    if not path.is_file():
        rows, classes = zip(*hear(), strict=True)
        keep_arrays(path, rows=np.stack(rows), classes=[CLASSES.index(name) for name in classes])
    with np.load(path) as arrays:
        return Heard(arrays["rows"], arrays["classes"])
