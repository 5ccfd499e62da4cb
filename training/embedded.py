"""Speech without any wake word, as the published encoder hears it: computed once, used for every word.

Recordings stand one after the other in a few long streams, as at work, through the encoder in its deployed
form. Of each row it is known which recordings it has heard, so that those that hold a word can be left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.encoders.rows import EmbeddingRows, EmbeddingRowsConfig
from kws.evaluation.levels import Audio, active_level, to_float, to_int16, to_level
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Rows
from training.augment import coloured, in_room
from training.data.manifest import Clip

PARTS = 16
"""Streams that are made side by side."""


@dataclass(frozen=True)
class StreamConfig:
    """How recordings become a stream."""

    gap: tuple[float, float] = (0.1, 0.6)
    """Seconds between recordings, uniform."""
    level: tuple[float, float] = (-42.0, -14.0)
    """Active level, dB re full scale, uniform for each recording."""
    room_share: float = 0.0
    noise_share: float = 0.0
    snr: tuple[float, float] = (0.0, 30.0)
    """Decibels of active speech over the noise, uniform."""
    floor_level: float = -75.0
    """White noise under everything, since no microphone delivers digital silence."""


QUIET = StreamConfig()
NOISY = StreamConfig(room_share=0.5, noise_share=0.8)


@dataclass(frozen=True, eq=False)
class Embedded:
    """int8 rows, shape (t, 96), of streams joined end to end, and what was heard in them."""

    rows: Rows
    owner: npt.NDArray[np.int32]
    """Index of the recording heard last in each row, shape (t,)."""
    first: npt.NDArray[np.bool_]
    """Where a stream begins, shape (t,)."""


def embed(
    clips: Sequence[Clip],
    noises: Sequence[Path],
    config: StreamConfig,
    *,
    seed: int,
    cache: Path,
    workers: int = 2,
) -> Embedded:
    """All clips once, in an order of the seed's; kept under `cache`.

    Args:
        clips: recordings; `Embedded.owner` counts them as they stand here.
        noises: files of noise, of which stretches are laid under clips where the config says so.
        config: levels, gaps, shares.
        seed: of everything random.
        cache: folder.
        workers: processes.
    """
    path = cache / f"embedded-{_digest(clips, noises, config, seed)}.npz"
    if not path.is_file():
        _store(path, _made(clips, noises, config, seed, workers))
    with np.load(path) as stored:
        return Embedded(stored["rows"], stored["owner"], stored["first"])


def _made(
    clips: Sequence[Clip], noises: Sequence[Path], config: StreamConfig, seed: int, workers: int
) -> Embedded:
    order = np.random.default_rng(seed).permutation(len(clips))
    tasks = [
        ([(int(n), clips[n].path) for n in part], tuple(noises), config, [seed, number])
        for number, part in enumerate(np.array_split(order, PARTS))
        if len(part)
    ]
    with get_context("fork").Pool(workers) as processes:
        parts = processes.starmap(_stream, tasks, chunksize=1)
    first = [np.arange(len(rows)) == 0 for rows, _ in parts]
    return Embedded(
        np.concatenate([rows for rows, _ in parts]),
        np.concatenate([owner for _, owner in parts]),
        np.concatenate(first),
    )


def _stream(
    clips: Sequence[tuple[int, Path]], noises: Sequence[Path], config: StreamConfig, seed: Sequence[int]
) -> tuple[Rows, npt.NDArray[np.int32]]:
    rng, encoder = np.random.default_rng(seed), EmbeddingRows()
    heard = [(encoder.push(to_int16(_changed(path, noises, config, rng))), number) for number, path in clips]
    owner = [np.full(len(rows), number, np.int32) for rows, number in heard]
    return np.concatenate([rows for rows, _ in heard]), np.concatenate(owner)


def _changed(path: Path, noises: Sequence[Path], config: StreamConfig, rng: np.random.Generator) -> Audio:
    """One recording and the gap after it: level, room and noise drawn anew for each."""
    audio = to_level(to_float(read_samples(path)), rng.uniform(*config.level))
    level = active_level(audio)
    audio = np.pad(audio, (0, int(rng.uniform(*config.gap) * SAMPLE_RATE)))
    if rng.random() < config.room_share:
        audio = in_room(coloured(audio, rng), rng)
    if len(noises) and rng.random() < config.noise_share:
        audio = audio + _bed(noises, len(audio), level - rng.uniform(*config.snr), rng)
    hiss = rng.standard_normal(len(audio), np.float32)
    return audio + hiss * np.float32(10 ** (config.floor_level / 20))


def _bed(noises: Sequence[Path], length: int, level: float, rng: np.random.Generator) -> Audio:
    """A stretch of one recording of noise, repeated where it is short, at this RMS level."""
    noise = to_float(read_samples(noises[rng.integers(len(noises))]))
    first = int(rng.integers(max(1, len(noise) - length)))
    noise = np.resize(noise[first : first + length], length)
    return noise * np.float32(10 ** (level / 20) / (np.std(noise) + 1e-9))


def _digest(clips: Sequence[Clip], noises: Sequence[Path], config: StreamConfig, seed: int) -> str:
    depends = [
        EmbeddingRowsConfig().digest,
        asdict(config),
        seed,
        PARTS,
        [str(clip.path) for clip in clips],
        [str(noise) for noise in noises],
    ]
    return hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:16]


def _store(path: Path, embedded: Embedded) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, rows=embedded.rows, owner=embedded.owner, first=embedded.first)
    partial.replace(path)
