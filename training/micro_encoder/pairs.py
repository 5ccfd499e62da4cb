"""What the student learns from: speech as a device hears it, and what its teacher says of the clean clip.

The teacher hears every clip dry, at one level, with next to no noise; the student hears the same moments in a
level, room and noise of their own. So it learns to say what was said, whatever lies over it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from kws.encoders.speech_embedding import SpeechEmbedding, SpeechEmbeddingConfig
from kws.evaluation.levels import Audio, to_float, to_int16, to_level
from kws.frontend import Frontend, FrontendConfig
from kws.sources.whole import read_samples
from kws.types import Rows
from training.kept import keep_arrays, key_of
from training.material.embedded import HEARD, StreamConfig, changed
from training.shards import WORKERS, shuffled, spread

TEACHER_LEVEL = -26.0
"""Active level at which the teacher hears a clip, dB re full scale."""
_FLOOR_LEVEL = -80.0
"""Of the white noise under it: digital silence is nothing that a teacher has learned from."""
PARTS = 24
"""Streams that are made side by side."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Streams joined end to end."""

    rows: Rows
    """int8, shape (8 t, 40): the micro front end's."""
    taught: npt.NDArray[np.float16]
    """Shape (t, 96): the teacher's embeddings, after the same 80 ms each."""
    first: npt.NDArray[np.int64]
    """Steps at which streams begin."""

    @property
    def hours(self) -> float:
        """Of audio."""
        return len(self.rows) * FrontendConfig().row_seconds / 3600

    def parted(self) -> tuple[Pairs, Pairs]:
        """All streams but the last, and the last, by which learning is judged."""
        cut = int(self.first[-1])
        row = cut * SpeechEmbeddingConfig().rows
        return (
            Pairs(self.rows[:row], self.taught[:cut], self.first[:-1]),
            Pairs(self.rows[row:], self.taught[cut:], self.first[:1]),
        )


Known: TypeAlias = tuple[Sequence[Path], Sequence[Path], StreamConfig]
"""Clips, noises, and how they become a stream."""
Task: TypeAlias = tuple[int, int, npt.NDArray[np.int64]]
"""Seed, part, and the numbers of its clips."""
Taught: TypeAlias = npt.NDArray[np.float16]


def heard_and_taught(
    clips: Sequence[Path],
    noises: Sequence[Path],
    *,
    seed: int,
    cache: Path,
    config: StreamConfig = HEARD,
    workers: int = WORKERS,
) -> Pairs:
    """All clips once, in an order of the seed's; kept under `cache`."""
    depends = [
        SpeechEmbeddingConfig().digest,
        FrontendConfig().digest,
        asdict(config),
        TEACHER_LEVEL,
        _FLOOR_LEVEL,
    ]
    return made_once(_stream, (clips, noises, config), depends, seed=seed, cache=cache, workers=workers)


def made_once(
    stream: Callable[[Known, Task], tuple[Rows, Taught]],
    known: Known,
    depends: Sequence[Any],
    *,
    seed: int,
    cache: Path,
    workers: int,
) -> Pairs:
    """Streams of all clips, made where they are not kept under `cache`.

    Args:
        stream: rows (8 t, 40) and embeddings (t, 96) of one part of the clips.
        known: what it is told.
        depends: what they depend on besides the clips and the noises.
        seed: of the order of the clips and of what is done to them.
        cache: folder.
        workers: processes.
    """
    clips, noises, _ = known
    key = key_of([*depends, PARTS, seed, [*map(str, clips)], [*map(str, noises)]])
    path = cache / f"taught-{key}.npz"
    if not path.is_file():
        tasks = shuffled(len(clips), PARTS, seed)
        parts = [*spread(stream, known, tasks, "listening with the teacher", workers=workers)]
        rows, taught = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        steps = [len(part) for _, part in parts]
        keep_arrays(path, rows=rows, taught=taught, first=np.cumsum([0, *steps[:-1]]))
    with np.load(path) as stored:
        return Pairs(stored["rows"], stored["taught"], stored["first"])


def _stream(known: Known, task: Task) -> tuple[Rows, Taught]:
    """Rows (8 t, 40) and embeddings (t, 96) of one part of the clips."""
    (clips, noises, config), (seed, part, numbers) = known, task
    rng, teacher, front_end = np.random.default_rng([seed, part]), SpeechEmbedding(), Frontend()
    rows, taught = [], []
    for number in numbers:
        noisy = changed(clips[number], noises, config, rng)
        rows.append(front_end.push(to_int16(noisy)))
        taught.append(teacher.push(to_int16(_clean(clips[number], len(noisy), rng))).astype(np.float16))
    told = np.concatenate(taught)
    heard = np.concatenate(rows)[: len(told) * teacher.config.rows]
    told = told[: len(heard) // teacher.config.rows]
    return heard[: len(told) * teacher.config.rows], told


def _clean(clip: Path, length: int, rng: np.random.Generator) -> Audio:
    """The clip as the teacher hears it, and quiet after it up to `length`."""
    audio = to_level(to_float(read_samples(clip)), TEACHER_LEVEL)
    hiss = rng.standard_normal(length, np.float32) * np.float32(10 ** (_FLOOR_LEVEL / 20))
    return np.pad(audio, (0, length - len(audio))) + hiss
