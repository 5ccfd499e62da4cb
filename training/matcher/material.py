"""Aligned recordings -> rows as the matcher hears them, each in a room and a noise, and what is said when.

Some sentences are heard whole, others in pieces of a few words with pauses between, since who calls a device
says a word by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.encoders.rows import EmbeddingRowsConfig
from kws.errors import KwsError
from kws.evaluation.levels import to_int16
from kws.frontends import SPEECH_EMBEDDING, row_timing
from kws.recognition.bundle import find_recognizer
from kws.recognition.tokens import PHONES
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Rows, Samples
from training.data.manifest import Clip
from training.kept import keep_arrays, key_of
from training.matcher.hearing import RECOGNIZER, Ears
from training.material.embedded import PARTS, StreamConfig, changed
from training.shards import shuffled, spread
from training.words.align import PhoneTime, WordTime, align_file
from training.words.word_ends import shared_aligner

PIECES_SHARE = 0.4
"""Of the sentences that are heard in pieces, drawn anew each time."""
PIECE_WORDS = 3
"""At most."""
_MARGIN = 0.03
"""Seconds kept before and after a piece."""
_FADE = SAMPLE_RATE // 100
CLOSE, APART = StreamConfig(gap=(0.1, 0.5)), StreamConfig(gap=(0.8, 2.0))
"""Most of it comes soon after what was heard before, some of it after nothing was heard for a while."""
APART_SHARE = 0.25
_VERSION = 1
"""Part of the cache's key; counts up when the arrays change."""

Aligned = Sequence[WordTime]


@dataclass(frozen=True, eq=False)
class Heard:
    """Streams joined end to end. Times are in rows: one that ends with the audio of row 7 is 7.0."""

    rows: Rows
    """int8, shape (t, COLUMNS)."""
    begins: npt.NDArray[np.int64]
    """First row of each stream."""
    phones: npt.NDArray[np.uint8]
    """All that is said, in order, as columns of the recognizer's token set, shape (p,)."""
    ends: npt.NDArray[np.float32]
    """When each of them has ended, shape (p,)."""
    words: npt.NDArray[np.int64]
    """First phone of each word, and the end of the last, shape (w + 1,)."""
    starts: npt.NDArray[np.float32]
    """When each word begins, shape (w,)."""
    piece: npt.NDArray[np.int64]
    """Number of what was heard in one go, of each word, shape (w,)."""
    clip: npt.NDArray[np.int64]
    """Number of the recording, of each word, shape (w,)."""

    @cached_property
    def phone_starts(self) -> npt.NDArray[np.float32]:
        """When each phone begins, shape (p,)."""
        starts = np.roll(self.ends, 1)
        starts[self.words[:-1]] = self.starts
        return starts


def hear(clips: Sequence[Clip], noises: Sequence[Path], *, seed: int, cache: Path, workers: int) -> Heard:
    """All of them once, in an order, rooms, noise and pieces of the seed's; kept under `cache`.

    Those that do not fit their transcripts are left out.

    Raises:
        KwsError: none of them fits.
    """
    path = cache / "matcher" / f"heard-{_digest(clips, noises, seed)}.npz"
    if not path.is_file():
        label = f"aligning {len(clips)} recordings"
        said = list(spread(_aligned, cache, clips, label, workers=workers))
        if not any(said):
            raise KwsError(
                f"none of {len(clips)} recordings can be aligned to what is said in them; set KWS_DATA to "
                "recordings with transcripts"
            )
        beds, tasks = [read_samples(noise) for noise in noises], shuffled(len(clips), PARTS, seed)
        label = f"hearing {len(clips)} recordings"
        made = spread(_stream, (clips, said, beds), tasks, label, workers=workers)
        keep_arrays(path, **vars(joined(list(made))))
    with np.load(path) as stored:
        return Heard(**{name: stored[name] for name in stored.files})


def _aligned(cache: Path, clip: Clip) -> Aligned:
    try:
        return align_file(clip.path, clip.label, cache / "align", shared_aligner())
    except KwsError:
        return []


def joined(parts: Sequence[Heard]) -> Heard:
    """All of them as one, in their order."""
    rows = np.cumsum([0, *(len(part.rows) for part in parts)])
    phones = np.cumsum([0, *(len(part.phones) for part in parts)])
    pieces = np.cumsum([0, *(part.piece.max(initial=-1) + 1 for part in parts)])
    moved = [
        replace(
            part,
            begins=part.begins + row,
            ends=part.ends + np.float32(row),
            starts=part.starts + np.float32(row),
            words=part.words[: None if part is parts[-1] else -1] + phone,
            piece=part.piece + piece,
        )
        for part, row, phone, piece in zip(parts, rows[:-1], phones[:-1], pieces[:-1], strict=True)
    ]
    return Heard(**{name: np.concatenate([getattr(part, name) for part in moved]) for name in vars(moved[0])})


_Known = tuple[Sequence[Clip], Sequence[Aligned], Sequence[Samples]]


def _stream(known: _Known, task: tuple[int, int, npt.NDArray[np.int64]]) -> Heard:
    """One part of the recordings, one after the other."""
    (clips, said, beds), (seed, part, numbers) = known, task
    rng = np.random.default_rng([seed, part])
    ears, spoken, heard = Ears(), [], 0
    for number in (number for number in numbers if said[number]):
        for samples, words in pieces_of(read_samples(clips[number].path), said[number], rng):
            config = APART if rng.random() < APART_SHARE else CLOSE
            audio = to_int16(changed(samples, beds, config, rng))
            ears.hear(audio)
            spoken.append((int(number), words, heard))
            heard += len(audio)
    return told(ears.rows(), spoken)


def told(rows: Rows, spoken: Sequence[tuple[int, Aligned, int]]) -> Heard:
    """One stream, of which is known which recording's words begin to be heard at which sample."""
    first, step = row_timing(SPEECH_EMBEDDING)
    words = [
        (word, piece, clip, heard)
        for piece, (clip, said, heard) in enumerate(spoken)
        for word in said
        if word.phones
    ]

    def at(second: float, heard: int) -> float:
        return (second * SAMPLE_RATE + heard - first) / step

    every = [(phone, heard) for word, _, _, heard in words for phone in word.phones]
    return Heard(
        rows,
        np.zeros(1, np.int64),
        np.array([PHONES.index[phone.phone] for phone, _ in every], np.uint8),
        np.array([at(phone.end, heard) for phone, heard in every], np.float32),
        np.cumsum([0, *(len(word.phones) for word, *_ in words)]).astype(np.int64),
        np.array([at(word.start, heard) for word, _, _, heard in words], np.float32),
        np.array([piece for _, piece, _, _ in words], np.int64),
        np.array([clip for _, _, clip, _ in words], np.int64),
    )


def pieces_of(
    samples: Samples, words: Aligned, rng: np.random.Generator
) -> Iterator[tuple[Samples, Aligned]]:
    """The recording whole, or cut between words."""
    if len(words) <= PIECE_WORDS or rng.random() >= PIECES_SHARE:
        yield samples, words
        return
    at = 0
    while at < len(words):
        group = words[at : at + int(rng.integers(1, PIECE_WORDS + 1))]
        at += len(group)
        first = max(0, round((group[0].start - _MARGIN) * SAMPLE_RATE))
        last = round((group[-1].end + _MARGIN) * SAMPLE_RATE)
        yield _faded(samples[first:last]), [_earlier(word, first / SAMPLE_RATE) for word in group]


def _faded(samples: Samples) -> Samples:
    """Without clicks where it was cut."""
    slope = np.minimum(1.0, np.arange(len(samples)) / _FADE)
    return np.rint(samples * slope * slope[::-1]).astype(np.int16)


def _earlier(word: WordTime, seconds: float) -> WordTime:
    phones = tuple(PhoneTime(p.phone, p.start - seconds, p.end - seconds) for p in word.phones)
    return WordTime(word.word, word.start - seconds, word.end - seconds, phones)


def _digest(clips: Sequence[Clip], noises: Sequence[Path], seed: int) -> str:
    return key_of(
        [
            _VERSION,
            seed,
            PARTS,
            PIECES_SHARE,
            APART_SHARE,
            asdict(CLOSE),
            asdict(APART),
            EmbeddingRowsConfig().digest,
            find_recognizer(RECOGNIZER).model_sha256,
            [[str(clip.path), clip.label] for clip in clips],
            [str(noise) for noise in noises],
        ]
    )
