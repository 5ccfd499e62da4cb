"""When each word and phone of a recording is said, given what is said: PocketSphinx's forced aligner.

Two passes over the recording: the words, then the phones within them. Costs some 0.03 CPU seconds per
second of audio.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kws.errors import KwsError
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples
from training.words.lexicon import dictionary, pronunciations, words_of

_FRAME_SECONDS = 0.01
_SHORTEST_SECONDS = 0.1
_DITHER = 20.0
"""Standard deviation of the noise added, of int16's 32768: in digital silence the decoder's energies are
infinitely low and the search fails."""
_VERSION = 2
"""Part of the cache's key; counts up when the times change."""


class AlignmentError(KwsError):
    """A recording does not fit its transcript."""


@dataclass(frozen=True)
class PhoneTime:
    """One phone; `SIL` and its like are left out, so phones of neighbours may have a gap between them."""

    phone: str
    start: float
    end: float
    """Seconds of the recording."""


@dataclass(frozen=True)
class WordTime:
    """One word of the transcript, in lower case."""

    word: str
    start: float
    end: float
    phones: tuple[PhoneTime, ...]


class Aligner:
    """Aligns one recording after another; words that the dictionary lacks are read by rule and learnt."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        # Without a language model or lattice, and with the mean of the clip itself.
        self._decoder = Decoder(lm=None, bestpath=False, cmn="batch", loglevel="FATAL")
        self._learnt: set[str] = set()

    def align(self, samples: Samples, transcript: str) -> list[WordTime]:
        """Times of every word of `transcript` in 16 kHz int16 speech, (n,); raises AlignmentError."""
        words = _spoken_words(transcript)
        if len(samples) < _SHORTEST_SECONDS * SAMPLE_RATE:
            raise AlignmentError(f"{len(samples) / SAMPLE_RATE:.2f} s are too short for {transcript!r}")
        self._learn(words)
        # Else the last frame of the clip before has a say, and times depend on the order of clips.
        self._decoder.reinit_feat()
        try:
            self._decoder.set_align_text(" ".join(words))
            self._decode(samples)
            self._decoder.set_alignment()
            self._decode(samples)
            found = [_word_time(entry) for entry in self._decoder.get_alignment() if _is_speech(entry.name)]
        except (RuntimeError, TypeError) as error:
            raise AlignmentError(f"the recording does not fit {transcript!r} ({error}); check it") from error
        if [word.word for word in found] != words:
            raise AlignmentError(f"only {len(found)} of {len(words)} words of {transcript!r} were found")
        return found

    def _decode(self, samples: Samples) -> None:
        dithered = samples + np.random.default_rng(0).normal(scale=_DITHER, size=len(samples))
        self._decoder.start_utt()
        self._decoder.process_raw(np.clip(dithered, -32768, 32767).astype(np.int16).tobytes(), full_utt=True)
        self._decoder.end_utt()

    def _learn(self, words: Iterable[str]) -> None:
        for word in set(words) - self._learnt:
            if word not in dictionary():
                for number, phones in enumerate(pronunciations(word), 1):
                    self._decoder.add_word(word if number == 1 else f"{word}({number})", " ".join(phones))
            self._learnt.add(word)


def align_file(path: Path, transcript: str, cache: Path, aligner: Aligner) -> list[WordTime]:
    """As `Aligner.align`, of a file of any format and rate, kept in `cache` until file or transcript change.

    Raises SourceError for an unreadable file, and AlignmentError, with the file's name, for one that does
    not fit.
    """
    entry = cache / f"align-{_key(path, transcript)}.json"
    if entry.is_file():
        return _from_json(entry.read_text(encoding="utf-8"))
    samples = read_samples(path)
    try:
        found = aligner.align(samples, transcript)
    except AlignmentError as error:
        raise AlignmentError(f"{path}: {error}") from error
    cache.mkdir(parents=True, exist_ok=True)
    part = entry.with_suffix(f".{os.getpid()}.part")  # others may align the same file
    part.write_text(json.dumps([asdict(word) for word in found]), encoding="utf-8")
    part.replace(entry)
    return found


def _key(path: Path, transcript: str) -> str:
    try:
        status = path.stat()
        marks = (str(path.resolve()), status.st_size, status.st_mtime_ns, transcript, _VERSION)
    except OSError:
        marks = (str(path), 0, 0, transcript, _VERSION)  # reading it says what is wrong
    return hashlib.sha256(json.dumps(marks).encode()).hexdigest()[:24]


def _from_json(text: str) -> list[WordTime]:
    def word(fields: dict[str, Any]) -> WordTime:
        return WordTime(**{**fields, "phones": tuple(PhoneTime(**phone) for phone in fields["phones"])})

    return [word(fields) for fields in json.loads(text)]


def _spoken_words(transcript: str) -> list[str]:
    words = words_of(transcript)
    if not words:
        raise AlignmentError(f"no words in {transcript!r}")
    if any(character.isdigit() for character in transcript):
        raise AlignmentError(f"figures in {transcript!r}; write them as they are said")
    unsaid = [word for word in words if not pronunciations(word)]
    if unsaid:
        raise AlignmentError(f"no pronunciation of {unsaid[0]!r} in {transcript!r}")
    return words


def _is_speech(name: str) -> bool:
    """Not silence, breath or noise."""
    return not name.startswith(("<", "[", "+")) and name != "SIL"


def _word_time(entry: Any) -> WordTime:
    phones = tuple(PhoneTime(p.name, *_span(p)) for p in entry if _is_speech(p.name))
    return WordTime(entry.name.partition("(")[0], *_span(entry), phones)


def _span(entry: Any) -> tuple[float, float]:
    """Start and end in seconds, to the hundredth that they are known to."""
    start, end = entry.start * _FRAME_SECONDS, (entry.start + entry.duration) * _FRAME_SECONDS
    return round(start, 2), round(end, 2)
