"""A phrase that nobody recorded, joined from pieces of one reader's sentences (unit selection).

The sentences are aligned to phones; a phrase is a row of half phones, each of which has many takes. Those are
chosen that fit their neighbours best (Hunt and Black 1996): takes that follow one another in a recording cost
nothing, other joins as much as their spectra differ; they are made in the middle of a phone where possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.errors import KwsError
from kws.evaluation.levels import to_float, to_int16
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples
from training.data.manifest import Clip
from training.shards import spread
from training.words.align import PhoneTime, WordTime, align_file
from training.words.lexicon import Phones, readings
from training.words.word_ends import shared_aligner

SENTENCES = 40
"""Of each reader, about eight minutes, that are aligned."""
_TAKES = 60
"""Of a half phone, drawn at random: every draw gives another speaking of the phrase."""
_STRANGER, _BOUNDARY = 4.0, 12.0
"""Costs beside the spectral distance in decibels: of a neighbour that is not the one wanted, and of a join
between two phones instead of within one."""
_GAP_SECONDS = 0.03
"""Phones farther apart do not follow one another."""
_FADE = SAMPLE_RATE // 125
_WINDOW = 320
_BANDS = np.array([2, 4, 6, 8, 11, 14, 18, 23, 29, 37, 47, 60, 76, 97, 123, 160])

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HalfPhone:
    """One take of it; times in samples of its recording."""

    path: Path
    start: int
    end: int
    neighbour: str
    """Phone on its outer side, empty for silence."""


Inventory = dict[tuple[str, bool], list[HalfPhone]]
"""(phone, whether it is the second half) -> all takes by one reader."""


def joined_words(phrase: str, clips: Sequence[Clip], count: int, *, seed: int, cache: Path) -> list[Samples]:
    """`count` speakings of the phrase by readers in turn; fewer where readers lack a phone of it.

    Args:
        phrase: lower case, single spaces.
        clips: sentences with transcripts, among others that are passed over.
        count: speakings.
        seed: of all that is drawn.
        cache: where alignments are kept.
    """
    readers = readers_of(clips)
    ways = readings(phrase)
    if not readers or not ways:
        return []
    tasks = [(readers[n % len(readers)], ways[n % len(ways)], [seed, n]) for n in range(count)]
    tasks.sort(key=lambda task: task[0][0].speaker)  # one inventory after the other
    made = spread(_speaking, cache, tasks, f"joining {count} words of {len(readers)} readers")
    return [samples for samples in made if samples is not None]


def readers_of(clips: Sequence[Clip]) -> list[tuple[Clip, ...]]:
    """Sentences of everybody who read enough of them."""
    by_speaker: dict[str, list[Clip]] = {}
    for clip in clips:
        if clip.kind == "sentence" and clip.label:
            by_speaker.setdefault(f"{clip.corpus}/{clip.speaker}", []).append(clip)
    return [tuple(read[:SENTENCES]) for read in by_speaker.values() if len(read) >= SENTENCES]


def _speaking(cache: Path, task: tuple[tuple[Clip, ...], Phones, Sequence[int]]) -> Samples | None:
    sentences, phones, seed = task
    return speak(inventory(sentences, cache), phones, np.random.default_rng(seed))


@lru_cache(maxsize=2)
def inventory(sentences: tuple[Clip, ...], cache: Path) -> Inventory:
    """All half phones in these sentences; those that do not fit their transcript are left out."""
    found: Inventory = {}
    for clip in sentences:
        try:
            words = align_file(clip.path, clip.label, cache / "align", shared_aligner())
        except KwsError:
            continue
        for half, take in _halves(clip.path, words):
            found.setdefault(half, []).append(take)
    return found


def _halves(path: Path, words: Sequence[WordTime]) -> Iterator[tuple[tuple[str, bool], HalfPhone]]:
    phones = [phone for word in words for phone in word.phones]
    for before, phone, after in zip([None, *phones], phones, [*phones[1:], None], strict=False):
        left = before.phone if before and phone.start - before.end < _GAP_SECONDS else ""
        right = after.phone if after and after.start - phone.end < _GAP_SECONDS else ""
        start, middle, end = (round(t * SAMPLE_RATE) for t in (phone.start, _middle(phone), phone.end))
        yield (phone.phone, False), HalfPhone(path, start, middle, left)
        yield (phone.phone, True), HalfPhone(path, middle, end, right)


def _middle(phone: PhoneTime) -> float:
    return (phone.start + phone.end) / 2


def speak(found: Inventory, phones: Phones, rng: np.random.Generator) -> Samples | None:
    """The phones by the reader of this inventory, 16 kHz int16; None where one of them is missing."""
    wanted = [(phone, second) for phone in phones for second in (False, True)]
    if any(half not in found for half in wanted):
        return None
    around = ["", *phones, ""]
    takes = [_drawn(found[half], rng) for half in wanted]
    costs = [
        np.array([_STRANGER * (take.neighbour != around[n // 2 + 2 * (n % 2)]) for take in drawn])
        for n, drawn in enumerate(takes)
    ]
    return _joined(_cheapest(takes, costs))


def _drawn(takes: Sequence[HalfPhone], rng: np.random.Generator) -> list[HalfPhone]:
    return [takes[index] for index in rng.permutation(len(takes))[:_TAKES]]


def _cheapest(takes: list[list[HalfPhone]], costs: list[npt.NDArray[np.float64]]) -> list[HalfPhone]:
    """Viterbi: one take of each half phone, so that takes and joins together cost the least."""
    total, came_from = costs[0], []
    for n in range(1, len(takes)):
        joins = _join_costs(takes[n - 1], takes[n]) + (_BOUNDARY if n % 2 == 0 else 0.0)
        follows = [[a.path == b.path and a.end == b.start for b in takes[n]] for a in takes[n - 1]]
        through = total[:, None] + np.where(follows, 0.0, joins)
        came_from.append(through.argmin(axis=0))
        total = through.min(axis=0) + costs[n]
    chosen = [int(total.argmin())]
    for back in reversed(came_from):
        chosen.append(int(back[chosen[-1]]))
    return [drawn[index] for drawn, index in zip(takes, reversed(chosen), strict=True)]


def _join_costs(before: list[HalfPhone], after: list[HalfPhone]) -> npt.NDArray[np.float64]:
    ends, starts = (np.stack([_spectrum(t.path, at) for t, at in pairs]) for pairs in (
        [(take, take.end) for take in before], [(take, take.start) for take in after]
    ))  # fmt: skip
    distances: npt.NDArray[np.float64] = np.sqrt(np.square(ends[:, None] - starts[None]).mean(axis=2))
    return distances


@lru_cache(maxsize=50_000)
def _spectrum(path: Path, at: int) -> Floats:
    """Decibels in 16 bands of the 20 ms about a sample."""
    first = max(0, at - _WINDOW // 2)
    piece = np.zeros(_WINDOW, np.float32)
    there = _audio(path)[first : first + _WINDOW]
    piece[: len(there)] = there
    power = np.square(np.abs(np.fft.rfft(piece * np.hanning(_WINDOW))))
    levels: Floats = 10 * np.log10(np.add.reduceat(power, _BANDS - 1) + 1e-6)
    return levels


@lru_cache(maxsize=64)
def _audio(path: Path) -> Floats:
    return to_float(read_samples(path))


def _joined(takes: Sequence[HalfPhone]) -> Samples:
    """Pieces with 8 ms of each faded into the next; takes that follow one another are one piece."""
    pieces = [[takes[0].path, takes[0].start, takes[0].end]]
    for take in takes[1:]:
        if (take.path, take.start) == (pieces[-1][0], pieces[-1][2]):
            pieces[-1][2] = take.end
        else:
            pieces.append([take.path, take.start, take.end])
    audio = np.zeros(0, np.float32)
    for path, start, end in pieces:
        piece = _audio(path)[max(0, start - _FADE // 2) : end + _FADE // 2].copy()
        ramp = np.linspace(0, 1, min(_FADE, len(piece), len(audio) or _FADE), dtype=np.float32)
        piece[: len(ramp)] *= ramp
        if len(audio):
            audio[len(audio) - len(ramp) :] *= ramp[::-1]
            piece[: len(ramp)] += audio[len(audio) - len(ramp) :]
        audio = np.concatenate([audio[: len(audio) - len(ramp)] if len(audio) else audio, piece])
    return to_int16(audio)
