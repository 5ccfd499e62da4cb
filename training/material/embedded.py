"""Clips as an encoder hears them, each in a noise and a room of its own, one after the other.

Words and everything else go through here alike. What is heard in another way than the words, if only a little
cleaner, teaches a head that difference instead of the word (docs/experiments/embedding-heads.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.evaluation.levels import Audio, active_level, to_float, to_int16, to_level
from kws.frontends import SPEECH_EMBEDDING, RowFormat, new_front_end, row_format
from kws.sources.whole import read_samples
from kws.standard_error import silenced
from kws.types import SAMPLE_RATE, Rows, Samples
from training.kept import keep_arrays, key_of
from training.material.augment import coloured, in_room
from training.shards import WORKERS, shuffled, spread

PARTS = 16
"""Streams that are made side by side."""


@dataclass(frozen=True, eq=False)
class Take:
    """Something to be heard: a recording, or what a synthesizer has said."""

    audio: Path | Samples
    end: float | None = None
    """Second at which the phrase in it ends; None: it does not hold the phrase."""


@dataclass(frozen=True)
class StreamConfig:
    """How takes become a stream; all ranges are uniform, drawn anew for each take."""

    gap: tuple[float, float] = (0.1, 1.5)
    """Seconds between takes."""
    level: tuple[float, float] = (-45.0, -12.0)
    """Active level, dB re full scale."""
    room_share: float = 0.5
    noise_share: float = 0.6
    snr: tuple[float, float] = (-3.0, 40.0)
    """Decibels of active speech over the noise."""
    floor_level: tuple[float, float] = (-98.0, -55.0)
    """White noise under everything, dB re full scale: from a studio's to a poor microphone's."""


HEARD = StreamConfig()


@dataclass(frozen=True, eq=False)
class Embedded:
    """int8 rows, shape (t, 96), of streams joined end to end, and what was heard in them."""

    rows: Rows
    owner: npt.NDArray[np.int32]
    """Index of the take heard last in each row, shape (t,)."""
    since: npt.NDArray[np.float32]
    """Seconds since the phrase last ended, shape (t,); infinite before its first time in a stream."""
    first: npt.NDArray[np.bool_]
    """Where a stream begins, shape (t,)."""


def embed(
    takes: Sequence[Take],
    noises: Sequence[Path | Samples],
    *,
    seed: int,
    cache: Path,
    label: str = "listening",
    encoder: str = SPEECH_EMBEDDING,
    config: StreamConfig = HEARD,
    workers: int = WORKERS,
) -> Embedded:
    """All takes once, in an order of the seed's; kept under `cache`.

    Args:
        takes: what is heard; `Embedded.owner` counts them as they stand here.
        noises: of which stretches are laid under takes.
        seed: of everything random.
        cache: folder.
        label: what a progress bar says.
        encoder: whose rows they become, see kws.frontends.
        config: levels, gaps, shares.
        workers: processes.
    """
    path = cache / f"embedded-{_digest(takes, noises, encoder, config, seed)}.npz"
    if not path.is_file():
        _store(path, _made(takes, noises, encoder, config, seed, label, workers))
    with np.load(path) as stored:
        return Embedded(*(stored[name] for name in ("rows", "owner", "since", "first")))


def _made(
    takes: Sequence[Take],
    noises: Sequence[Path | Samples],
    encoder: str,
    config: StreamConfig,
    seed: int,
    label: str,
    workers: int,
) -> Embedded:
    tasks = shuffled(len(takes), PARTS, seed)
    parts = [*spread(_stream, (takes, noises, encoder, config), tasks, label, workers=workers)]
    rows, owner, since = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    first = np.concatenate([np.arange(len(part)) == 0 for part, _, _ in parts])
    return Embedded(rows, owner, since, first)


def _stream(
    known: tuple[Sequence[Take], Sequence[Path | Samples], str, StreamConfig],
    task: tuple[int, int, npt.NDArray[np.int64]],
) -> tuple[Rows, npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Rows, their owners and the times since the phrase, of one part of the takes."""
    (takes, noises, encoder, config), (seed, part, numbers) = known, task
    rng = np.random.default_rng([seed, part])
    with silenced():  # LiteRT tells of every model that it opens
        hearing = new_front_end(encoder)
    rows, owner, ends, heard = [], [], [-np.inf], 0
    for number in numbers:
        take = takes[number]
        audio = to_int16(changed(take.audio, noises, config, rng))
        rows.append(hearing.push(audio))
        owner.append(np.full(len(rows[-1]), number, np.int32))
        if take.end is not None:
            ends.append(heard / SAMPLE_RATE + take.end)
        heard += len(audio)
    joined = np.concatenate(rows)
    return joined, np.concatenate(owner), _since(len(joined), np.array(ends), row_format(encoder))


def _since(rows: int, ends: npt.NDArray[np.float64], form: RowFormat) -> npt.NDArray[np.float32]:
    """Seconds from the last of these ends before each row."""
    times = form.rows_end(1) / SAMPLE_RATE + form.row_seconds * np.arange(rows)
    # An end up to half a row later counts as past, so that a row at the end itself is found.
    last = np.searchsorted(ends, times + form.row_seconds / 2, side="right") - 1
    return (times - ends[last]).astype(np.float32)


def changed(
    source: Path | Samples,
    noises: Sequence[Path | Samples],
    config: StreamConfig,
    rng: np.random.Generator,
) -> Audio:
    """One take and the gap after it: level, room, noise and floor drawn anew."""
    audio = to_level(to_float(_samples(source)), rng.uniform(*config.level))
    level = active_level(audio)
    audio = np.pad(audio, (0, int(rng.uniform(*config.gap) * SAMPLE_RATE)))
    if rng.random() < config.room_share:
        audio = in_room(coloured(audio, rng), rng)
    if len(noises) and rng.random() < config.noise_share:
        audio = audio + _bed(noises, len(audio), level - rng.uniform(*config.snr), rng)
    hiss = rng.standard_normal(len(audio), np.float32)
    return audio + hiss * np.float32(10 ** (rng.uniform(*config.floor_level) / 20))


def _samples(source: Path | Samples) -> Samples:
    return read_samples(source) if isinstance(source, Path) else source


def _bed(noises: Sequence[Path | Samples], length: int, level: float, rng: np.random.Generator) -> Audio:
    """A stretch of one recording of noise, repeated where it is short, at this RMS level."""
    noise = to_float(_samples(noises[rng.integers(len(noises))]))
    first = int(rng.integers(max(1, len(noise) - length)))
    noise = np.resize(noise[first : first + length], length)
    return noise * np.float32(10 ** (level / 20) / (np.std(noise) + 1e-9))


def _digest(
    takes: Sequence[Take], noises: Sequence[Path | Samples], encoder: str, config: StreamConfig, seed: int
) -> str:
    depends = [
        row_format(encoder).digest,
        asdict(config),
        seed,
        PARTS,
        [[_name(take.audio), take.end] for take in takes],
        [_name(noise) for noise in noises],
    ]
    return key_of(depends)


def _name(source: Path | Samples) -> str:
    return str(source) if isinstance(source, Path) else hashlib.sha256(source.tobytes()).hexdigest()[:16]


def _store(path: Path, embedded: Embedded) -> None:
    keep_arrays(path, rows=embedded.rows, owner=embedded.owner, since=embedded.since, first=embedded.first)
