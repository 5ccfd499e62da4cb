"""Takes of a phrase by its user: folders of clips, or a microphone; heard through before they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import soundfile

from kws.errors import KwsError, SourceError
from kws.evaluation.activity import FRAME, speech_span
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Block, Samples
from training.data.layouts.files import recordings
from training.words.align import AlignmentError
from training.words.lexicon import dictionary, words_of
from training.words.word_ends import shared_aligner

TAKE_SECONDS = 2.5
"""Of the microphone, for one take."""
_SHORTEST, _LONGEST = 0.2, 4.0
"""Seconds that somebody speaks in a take."""
_QUIETEST_DBFS = -55.0
"""Of the loudest tenth of a second."""
_STANDS_OUT_DB = 10.0
"""Speech over what else is heard."""
_CLIPPED, _CLIPPED_SHARE = 32_700, 2e-3
_MARGIN = SAMPLE_RATE // 10
_TRIES = 3


class TakeError(KwsError):
    """A take cannot be used; the text says why and what to do."""


@dataclass(frozen=True, eq=False)
class Take:
    """One, cut to the phrase with a tenth of a second on either side."""

    name: str
    samples: Samples


def read_takes(places: Sequence[Path], phrase: str) -> tuple[list[Take], list[str]]:
    """The usable takes in these files and folders, and one line about each of the others.

    Raises:
        SourceError: a place is not there or holds no recordings.
    """
    usable, refused = [], []
    for path in chain.from_iterable(map(_files, places)):
        try:
            usable.append(checked_take(read_samples(path), phrase, str(path)))
        except KwsError as error:
            refused.append(str(error))
    return usable, refused


def record_takes(
    blocks: Iterable[Block], count: int, phrase: str, say: Callable[[str], None]
) -> Iterator[Take]:
    """`count` takes from a source that is open; each that cannot be used is asked for again.

    Raises:
        TakeError: the source ended, or no take in three could be used.
    """
    audio = _Joined(blocks)
    for number in range(1, count + 1):
        for tries_left in range(_TRIES - 1, -1, -1):
            say(f"take {number} of {count}: say {phrase!r} now")
            samples = audio.take(round(TAKE_SECONDS * SAMPLE_RATE))
            if len(samples) < TAKE_SECONDS * SAMPLE_RATE:
                raise TakeError(f"the source ended in take {number} of {count}; keep it open that long")
            try:
                yield checked_take(samples, phrase, f"take {number}")
                break
            except TakeError as error:
                if not tries_left:
                    raise
                say(f"{error}; once more")


def write_takes(folder: Path, takes: Iterable[Take]) -> None:
    """As numbered WAV files, after those that are there."""
    folder.mkdir(parents=True, exist_ok=True)
    first = len(list(folder.glob("*.wav"))) + 1
    for number, take in enumerate(takes, first):
        soundfile.write(folder / f"{number:02}.wav", take.samples, SAMPLE_RATE)


def checked_take(samples: Samples, phrase: str, name: str) -> Take:
    """Cut to the phrase; raises TakeError where it is too short, too long, silent or clipped."""
    if len(samples) < _SHORTEST * SAMPLE_RATE:
        raise TakeError(f"{name}: only {len(samples) / SAMPLE_RATE:.2f} s; record the whole phrase")
    if np.mean(np.abs(samples.astype(np.int32)) >= _CLIPPED) > _CLIPPED_SHARE:
        raise TakeError(f"{name}: clipped; speak from farther away or turn the microphone down")
    loud, quiet = _levels(samples)
    if loud < _QUIETEST_DBFS:
        raise TakeError(f"{name}: silent ({loud:.0f} dBFS); check the microphone and speak up")
    if loud - quiet < _STANDS_OUT_DB:
        raise TakeError(
            f"{name}: no speech stands out ({loud - quiet:.0f} dB above the rest); record where it is "
            "quieter, with half a second before and after the phrase"
        )
    start, end = _span(samples, phrase)
    seconds = (end - start) / SAMPLE_RATE
    if not _SHORTEST <= seconds <= _LONGEST:
        raise TakeError(
            f"{name}: {seconds:.1f} s of speech, expected {_SHORTEST} to {_LONGEST:g}; say the phrase once"
        )
    return Take(name, samples[max(0, start - _MARGIN) : end + _MARGIN])


def _span(samples: Samples, phrase: str) -> tuple[int, int]:
    """By alignment where the dictionary has the words and the take fits, else by energy."""
    if all(word in dictionary() for word in words_of(phrase)):
        try:
            times = shared_aligner().align(samples, phrase)
            return round(times[0].start * SAMPLE_RATE), round(times[-1].end * SAMPLE_RATE)
        except AlignmentError:
            pass
    return speech_span(samples)


def _levels(samples: Samples) -> tuple[float, float]:
    """dBFS of the loudest tenth of a second and of the quietest tenth of all frames."""
    frames = len(samples) // FRAME
    real = samples[: frames * FRAME].astype(np.float64) / 32768
    power = np.sort(np.square(real).reshape(frames, FRAME).mean(axis=1))
    loud, quiet = power[-10:].mean(), power[: max(1, frames // 10)].mean()
    return 10 * float(np.log10(loud + 1e-12)), 10 * float(np.log10(quiet + 1e-12))


def _files(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    found = list(recordings(place)) if place.is_dir() else []
    if not found:
        raise SourceError(f"{place}: no recordings there; name a clip, or a folder of WAV, FLAC or others")
    return found


class _Joined:
    """Blocks of any length as stretches of a length asked for."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks, self._held = iter(blocks), np.empty(0, np.int16)

    def take(self, samples: int) -> Samples:
        """The next stretch, shorter where the source has ended."""
        parts, length = [self._held], len(self._held)
        while length < samples and (block := next(self._blocks, None)) is not None:
            parts.append(block.pcm)
            length += len(block.pcm)
        joined = np.concatenate(parts)
        self._held = joined[samples:]
        return joined[:samples]
