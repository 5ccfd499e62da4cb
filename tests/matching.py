"""Speech made up for tests of the matcher: each phone is a row of values of its own, said for two rows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from kws.frontends import SPEECH_EMBEDDING, row_timing
from kws.recognition.tokens import PHONES
from kws.types import SAMPLE_RATE
from training.matcher.hearing import COLUMNS
from training.matcher.material import Heard, told
from training.words.align import PhoneTime, WordTime

SOUNDS = ("AA", "B", "D", "EH", "IY", "K", "M", "S")
"""Phones of the words made up here."""
ROWS = 2
"""That a phone lasts."""
FIRST, STEP = row_timing(SPEECH_EMBEDDING)


def spoken_word(phones: Sequence[str], row: int) -> WordTime:
    """A word that begins to be heard after so many rows."""
    times = [second(row + ROWS * number) for number in range(len(phones) + 1)]
    said = tuple(PhoneTime(p, *span) for p, span in zip(phones, itertools.pairwise(times), strict=False))
    return WordTime("".join(phones).lower(), times[0], times[-1], said)


def second(row: float) -> float:
    """At which so many rows are complete, the first being number 0."""
    return (row * STEP + FIRST) / SAMPLE_RATE


def stream_of(
    pieces: Sequence[Sequence[Sequence[str]]], rng: np.random.Generator, *, pause: int = 12
) -> Heard:
    """Pieces of words of phones, with so many rows between them and noise on all."""
    sounds = np.random.default_rng(5).normal(scale=30, size=(len(PHONES), COLUMNS))
    at, spoken, rows = 30, [], [np.zeros((31, COLUMNS))]
    for number, words in enumerate(pieces):
        said = []
        for phones in words:
            said.append(spoken_word(phones, at))
            rows += [np.tile(sounds[PHONES.index[phone]], (ROWS, 1)) for phone in phones]
            at += ROWS * len(phones)
        spoken.append((number, said, 0))
        rows.append(np.zeros((pause, COLUMNS)))
        at += pause
    noisy = np.concatenate(rows) + rng.normal(scale=5, size=(sum(map(len, rows)), COLUMNS))
    return told(np.clip(np.rint(noisy), -127, 127).astype(np.int8), spoken)


def babble(count: int, rng: np.random.Generator, *, most: int = 2) -> list[list[list[str]]]:
    """Pieces of one word to `most`, of two to five phones, no two alike next to each other."""
    return [[_word(rng) for _ in range(int(rng.integers(1, most + 1)))] for _ in range(count)]


def _word(rng: np.random.Generator) -> list[str]:
    phones = [str(rng.choice(SOUNDS))]
    for _ in range(int(rng.integers(2, 5))):
        phones.append(str(rng.choice([sound for sound in SOUNDS if sound != phones[-1]])))
    return phones
