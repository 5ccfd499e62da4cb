"""Training material as tapes: half minutes of realistic audio through the front end, marked row by row.

Words stand among other speech, in rooms, over noise, with gaps of any length, so the front end has
adapted when a word comes and the network meets what it will meet at work. Tapes are made in parallel
and cached.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.evaluation.activity import speech_span
from kws.evaluation.levels import Audio, active_level, to_float, to_int16, to_level
from kws.frontends import MICRO, RowFormat, new_front_end, row_format
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Rows, Samples
from training.kept import keep_arrays
from training.material.augment import coloured, in_room, speed
from training.shards import WORKERS, spread
from training.words.word_ends import Span

NEGATIVE, POSITIVE, IGNORED = 0, 1, 2
"""Marks of a row: no word here; the word has just ended; not judged (about the end, or just after)."""

Marks = npt.NDArray[np.int8]


@dataclass(frozen=True)
class TapeConfig:
    """How tapes are composed."""

    seconds: float = 30.0
    word_share: float = 0.5
    """Of the pieces on a tape with words, how many are the word."""
    room_share: float = 0.5
    noise_share: float = 0.75
    snr: tuple[float, float] = (-2.0, 30.0)
    """Decibels of active speech over the noise bed, uniform."""
    level: tuple[float, float] = (-42.0, -14.0)
    """Active speech level, dB re full scale, uniform per tape."""
    speed: tuple[float, float] = (0.86, 1.16)
    positive: tuple[float, float] = (-0.03, 0.27)
    """Seconds about the word's end that are marked positive."""
    ignored: tuple[float, float] = (-0.25, 0.75)
    """Seconds about the word's end that are not judged where they are not positive."""


@dataclass(frozen=True)
class Pool:
    """What tapes are made of. Sources are file paths or samples already in memory."""

    words: tuple[tuple[tuple[Path | Samples, ...], float], ...]
    """Groups of clips of the word, each group with its share."""
    speech: tuple[Path | Samples, ...]
    """Anything spoken that is not the word."""
    noise: tuple[Path | Samples, ...]
    spans: Mapping[Path, Span] = field(default_factory=dict)
    """Where the word is in its recordings, as far as known; in the others the energy says."""


@dataclass(frozen=True)
class Tapes:
    """int8 rows, shape (tapes, t, channels), and their marks, shape (tapes, t)."""

    rows: Rows
    marks: Marks
    front_end: str = MICRO
    """Where the rows come from, see kws.frontends."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def hours(self) -> float:
        """Playing time."""
        return self.marks.size * row_format(self.front_end).row_seconds / 3600


def make_tapes(
    pool: Pool, count: int, config: TapeConfig, *, seed: int, workers: int = WORKERS, front_end: str = MICRO
) -> Tapes:
    """`count` tapes; the same seed gives the same tapes whatever the number of workers."""
    tasks = [[seed, index] for index in range(count)]
    kind = "with the word" if pool.words else "of other speech"
    made = list(spread(_tape, (pool, config, front_end), tasks, f"{count} tapes {kind}", workers=workers))
    return Tapes(np.stack([rows for rows, _ in made]), np.stack([marks for _, marks in made]), front_end)


def cached_tapes(
    folder: Path, key: dict[str, object], make: Callable[[], Tapes], *, front_end: str = MICRO
) -> Tapes:
    """Tapes under `key` and the front end's digest, made by calling `make` when not there yet."""
    text = json.dumps({**key, "frontend": row_format(front_end).digest}, sort_keys=True, default=str)
    path = folder / f"tapes-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"
    if path.is_file():
        with np.load(path) as stored:
            return Tapes(stored["rows"], stored["marks"], front_end)
    tapes = make()
    keep_arrays(path, rows=tapes.rows, marks=tapes.marks)
    return tapes


def _tape(known: tuple[Pool, TapeConfig, str], seed: Sequence[int]) -> tuple[Rows, Marks]:
    (pool, config, front_end), rng = known, np.random.default_rng(seed)
    audio, ends = _speech(pool, config, rng)
    if rng.random() < config.noise_share:
        audio = audio + _bed(pool, len(audio), active_level(audio) - rng.uniform(*config.snr), rng)
    audio = audio + rng.normal(scale=10 ** (rng.uniform(-80, -62) / 20), size=len(audio)).astype(np.float32)
    rows = new_front_end(front_end).push(to_int16(audio))
    return rows, _marks(len(rows), ends, config, row_format(front_end))


def _speech(pool: Pool, config: TapeConfig, rng: np.random.Generator) -> tuple[Audio, list[int]]:
    """Pieces with gaps between them at one talker's level, and the sample at which each word ends."""
    total = round(config.seconds * SAMPLE_RATE)
    audio, ends = np.zeros(total, np.float32), []
    level, reverberant = rng.uniform(*config.level), rng.random() < config.room_share
    colour_seed = rng.integers(1 << 32)
    position = int(rng.uniform(0, 1.5) * SAMPLE_RATE)
    while position < total - SAMPLE_RATE // 5:
        is_word = bool(pool.words) and rng.random() < config.word_share
        piece, end = _word(pool, config, rng) if is_word else (_other(pool, rng), None)
        piece = to_level(piece, level + rng.uniform(-5, 5))
        room = min(len(piece), total - position)
        audio[position : position + room] += piece[:room]
        if is_word and room == len(piece):
            ends.append(position + (speech_span(to_int16(piece))[1] if end is None else end))
        gap = rng.uniform(0.02, 0.3) if rng.random() < 0.4 else rng.uniform(0.3, 2.0)
        position += room + int(gap * SAMPLE_RATE)
    audio = coloured(audio, np.random.default_rng(colour_seed))
    return (in_room(audio, rng) if reverberant else audio), ends


def _word(pool: Pool, config: TapeConfig, rng: np.random.Generator) -> tuple[Audio, int | None]:
    """One take of the word, cut to it with short margins, at its own speed; and its end, where known."""
    shares = np.array([share for _, share in pool.words])
    group = pool.words[rng.choice(len(shares), p=shares / shares.sum())][0]
    source = group[rng.integers(len(group))]
    samples = _samples(source)
    span = pool.spans.get(source) if isinstance(source, Path) else None
    start, end = span or speech_span(samples)
    margin = int(rng.uniform(0.02, 0.2) * SAMPLE_RATE)
    first, factor = max(0, start - margin), rng.uniform(*config.speed)
    take = _faded(speed(to_float(samples[first : end + margin]), factor))
    return take, (min(len(take), round((end - first) / factor)) if span else None)


def _other(pool: Pool, rng: np.random.Generator) -> Audio:
    """A stretch of other speech; between words only a few seconds of it."""
    samples = _samples(pool.speech[rng.integers(len(pool.speech))])
    longest = int(rng.uniform(0.5, 4.0) * SAMPLE_RATE) if pool.words else 15 * SAMPLE_RATE
    first = int(rng.integers(max(1, len(samples) - longest)))
    audio = to_float(samples[first : first + longest])
    return _faded(speed(audio, rng.uniform(0.92, 1.08)) if rng.random() < 0.3 else audio)


def _bed(pool: Pool, length: int, level: float, rng: np.random.Generator) -> Audio:
    """Noise under the whole tape at this RMS level: a recording, or babble of several talkers."""
    if rng.random() < 0.25:
        talkers = [_looped(pool.speech, length, rng) for _ in range(rng.integers(3, 7))]
        bed = np.sum([talker / (np.std(talker) + 1e-6) for talker in talkers], axis=0)
    else:
        bed = _looped(pool.noise, length, rng)
    return (bed * (10 ** (level / 20) / (np.std(bed) + 1e-9))).astype(np.float32)


def _looped(sources: Sequence[Path | Samples], length: int, rng: np.random.Generator) -> Audio:
    parts: list[Audio] = []
    while sum(map(len, parts)) < length:
        parts.append(to_float(_samples(sources[rng.integers(len(sources))])))
        if len(parts[-1]) > length:
            first = int(rng.integers(len(parts[-1]) - length))
            parts[-1] = parts[-1][first : first + length]
    return np.concatenate(parts)[:length]


def _marks(rows: int, ends: list[int], config: TapeConfig, timing: RowFormat) -> Marks:
    marks = np.full(rows, NEGATIVE, np.int8)
    heard_by = np.arange(rows) * timing.row_seconds + timing.rows_end(1) / SAMPLE_RATE
    for end in ends:
        after = heard_by - end / SAMPLE_RATE
        marks[(after >= config.ignored[0]) & (after < config.ignored[1]) & (marks != POSITIVE)] = IGNORED
        marks[(after >= config.positive[0]) & (after < config.positive[1])] = POSITIVE
    return marks


def _faded(audio: Audio) -> Audio:
    """Ends without a click: 10 ms ramps."""
    ramp = np.linspace(0, 1, min(SAMPLE_RATE // 100, len(audio) // 2), dtype=np.float32)
    audio = audio.copy()
    audio[: len(ramp)] *= ramp
    audio[len(audio) - len(ramp) :] *= ramp[::-1]
    return audio


def _samples(source: Path | Samples) -> Samples:
    return read_samples(source) if isinstance(source, Path) else source


def key_of(pool: Pool, config: TapeConfig, count: int, seed: int) -> dict[str, object]:
    """What tapes depend on, for the cache: composition, counts, every source (arrays by their checksum)."""

    def name(source: Path | Samples) -> str:
        return str(source) if isinstance(source, Path) else hashlib.sha256(source.tobytes()).hexdigest()[:12]

    sources = [[[name(s) for s in group], share] for group, share in pool.words]
    other = [[name(s) for s in pool.speech], [name(s) for s in pool.noise]]
    spans = {"spans": sorted((str(path), span) for path, span in pool.spans.items())} if pool.spans else {}
    return {"config": asdict(config), "count": count, "seed": seed, "words": sources, "other": other, **spans}
