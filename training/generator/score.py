"""What is said when: a row of phones with their lengths, spread over frames of 10 ms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from kws.errors import KwsError
from training.words.align import WordTime
from training.words.lexicon import CONSONANTS, VOWELS

SILENCE = "SIL"
PHONES = (SILENCE, *sorted(VOWELS | CONSONANTS))
NOTHING = len(PHONES)
"""In place of a phone where there is no audio, or where the network shall not know what is said."""
FRAME_SECONDS = 0.01
_FIRST_MIDDLE = 0.015
"""Second at which the first frame's window has its middle."""
_NUMBER = {phone: number for number, phone in enumerate(PHONES)}


class Segment(NamedTuple):
    """One phone, or silence."""

    phone: str
    frames: int


@dataclass(frozen=True, eq=False)
class Score:
    """Of every frame."""

    phones: npt.NDArray[np.uint8]
    """Numbers in PHONES of the phone itself, of the one before and of the one after, shape (t, 3)."""
    place: npt.NDArray[np.float16]
    """How far into the phone, 0 to 1, and the logarithm of its length in tenths of a second, (t, 2)."""


def score_of(segments: Sequence[Segment]) -> Score:
    """Frames of segments one after the other; KwsError for a phone that is not one of the 39."""
    unknown = [segment.phone for segment in segments if segment.phone not in _NUMBER]
    if unknown:
        raise KwsError(f"no phone {unknown[0]!r}; give those of CMU's dictionary, without stress")
    lengths = np.array([segment.frames for segment in segments], np.int64)
    numbers = np.array([_NUMBER[segment.phone] for segment in segments], np.uint8)
    around = np.concatenate([[_NUMBER[SILENCE]], numbers, [_NUMBER[SILENCE]]]).astype(np.uint8)
    phones = np.stack([numbers, around[:-2], around[2:]], axis=1)
    inside = np.concatenate([(np.arange(n) + 0.5) / n for n in lengths]) if len(lengths) else np.empty(0)
    log_length = np.repeat(np.log(np.maximum(lengths, 1) / 10), lengths)
    place = np.stack([inside, log_length], axis=1).astype(np.float16)
    return Score(np.repeat(phones, lengths, axis=0), place)


def segments_of(words: Sequence[WordTime], frames: int) -> list[Segment]:
    """Of an aligned recording with so many frames: whose middle lies in a phone is that phone's."""
    found: list[Segment] = []
    at = 0
    for phone in (phone for word in words for phone in word.phones):
        first, last = (min(frames, max(at, _frame(second))) for second in (phone.start, phone.end))
        found += [Segment(SILENCE, first - at)] if first > at else []
        found += [Segment(phone.phone, last - first)] if last > first else []
        at = last
    return [*found, *([Segment(SILENCE, frames - at)] if frames > at else [])]


def _frame(second: float) -> int:
    """The first whose middle lies at this time or after."""
    return round((second - _FIRST_MIDDLE) / FRAME_SECONDS + 0.499)
