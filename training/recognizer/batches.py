"""Takes -> batches of like length, with labels for both heads and stretches masked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kws.recognition.tokens import CHARACTERS, PHONES
from kws.types import Rows
from training.recognizer.hearing import Hearing, hearing
from training.recognizer.labels import steps_needed
from training.recognizer.takes import Takes

Labels = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Batch:
    """Takes side by side."""

    rows: Rows
    """int8, shape (takes, t, channels), quiet after each take's end; t a multiple of the stride."""
    steps: Labels
    """Shape (takes,): network steps that count."""
    phones: Labels
    """Of all takes, one after the other."""
    phone_counts: Labels
    """Shape (takes,)."""
    characters: Labels
    character_counts: Labels


class Shelf:
    """All versions of the training set, labels ready, and what is too short for its text left out."""

    def __init__(self, versions: Sequence[Takes]) -> None:
        self.versions = list(versions)
        self.hearing = hearing(versions[0].encoder)
        self.phones = [[PHONES.encode(tuple(p.split())) for p in takes.phones] for takes in versions]
        self.characters = [[CHARACTERS.encode(text) for text in takes.texts] for takes in versions]
        self.lengths = [takes.lengths for takes in versions]

    def first_epoch(self, budget: int) -> Iterator[Batch]:
        """The first version, short takes first (SortaGrad, Amodei et al. 2016). `budget`: rows in a batch."""
        rng = np.random.default_rng(0)
        order = [(0, int(index)) for index in np.argsort(self.lengths[0], kind="stable")]
        yield from (self._batch(part, rng) for part in self._cut(order, budget))

    def epoch(self, budget: int, rng: np.random.Generator, masked: float = 1.0) -> Iterator[Batch]:
        """As many takes as one version has, from all; batches in random order, a share of takes masked."""
        everything = [(v, i) for v, takes in enumerate(self.versions) for i in range(len(takes))]
        kept = rng.permutation(len(everything))[: len(everything) // len(self.versions)]
        # Lengths are jittered, so that a batch does not hold the same takes every time.
        chosen = sorted(
            (everything[k] for k in kept), key=lambda t: self._length(t) * rng.uniform(0.95, 1.05)
        )
        parts = list(self._cut(chosen, budget))
        for index in rng.permutation(len(parts)):
            yield self._batch(parts[index], rng, masked)

    def batches(self, budget: int) -> Iterator[tuple[list[int], Batch]]:
        """Every take of the first version with its index, nothing random: for measuring."""
        order = [(0, int(index)) for index in np.argsort(self.lengths[0], kind="stable")]
        for part in self._cut(order, budget, all_of_them=True):
            yield [index for _, index in part], self._batch(part, None)

    def _length(self, take: tuple[int, int]) -> int:
        version, index = take
        return int(self.lengths[version][index])

    def _cut(
        self, order: Sequence[tuple[int, int]], budget: int, *, all_of_them: bool = False
    ) -> Iterator[list[tuple[int, int]]]:
        part: list[tuple[int, int]] = []
        for take in order:
            if not (all_of_them or self._fits(take)):
                continue
            if part and (len(part) + 1) * self._length(take) > budget:
                yield part
                part = []
            part.append(take)
        if part:
            yield part

    def _fits(self, take: tuple[int, int]) -> bool:
        """Whether CTC has steps enough for the labels, and there are any."""
        version, index = take
        phones, characters = self.phones[version][index], self.characters[version][index]
        needed = max(steps_needed(phones), steps_needed(characters))
        return bool(phones) and needed <= self._length(take) // self.hearing.stride

    def _batch(
        self, part: Sequence[tuple[int, int]], rng: np.random.Generator | None, masked: float = 0.0
    ) -> Batch:
        lengths = np.array([self._length(take) for take in part])
        ear = self.hearing
        total = -(-(int(lengths.max()) + ear.after_rows) // ear.stride) * ear.stride
        rows = np.full((len(part), total, ear.format.channels), ear.quiet, np.int8)
        for lane, (version, index) in enumerate(part):
            rows[lane, : lengths[lane]] = self.versions[version][index]
        if masked and rng is not None:
            mask(rows, lengths, ear, rng, masked)
        after = rng.integers(0, ear.after_rows + 1, len(part)) if rng is not None else ear.after_rows
        phones = [self.phones[version][index] for version, index in part]
        characters = [self.characters[version][index] for version, index in part]
        return Batch(
            rows,
            ((lengths + after) // ear.stride).astype(np.int32),
            *_flat(phones),
            *_flat(characters),
        )


def mask(
    rows: Rows, lengths: npt.NDArray[np.int64], ear: Hearing, rng: np.random.Generator, share: float = 1.0
) -> None:
    """SpecAugment (Park et al. 2019) in place: of a take some frequencies and some stretches of rows.

    There is a stretch of up to 0.25 s for every two seconds. A share of the takes is treated so.
    """
    second = 1 / ear.format.row_seconds
    for lane in np.flatnonzero(rng.random(len(lengths)) < share):
        length = lengths[lane]
        ear.hide(rows[lane], rng)
        for _ in range(rng.integers(int(length / (2 * second)) + 2)):
            row = rng.integers(length)
            rows[lane, row : row + rng.integers(int(second / 4) + 1)] = ear.quiet


def _flat(labels: Sequence[Sequence[int]]) -> tuple[Labels, Labels]:
    return (
        np.array([label for part in labels for label in part], np.int32),
        np.array([len(part) for part in labels], np.int32),
    )
