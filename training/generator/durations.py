"""How long phones last: means by phone, longer before a pause; each breath in a tempo of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.generator.score import PHONES, SILENCE, Segment

_ROUNDS = 10
_PRIOR = 20.0
"""Phones' worth of the mean of all that each phone's own mean starts with."""
_SHORTEST, _LONGEST = 2, 60
"""Frames of a phone."""

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Durations:
    """Logarithms of frames: mean of the phone + tempo of the breath + what is left to chance."""

    means: Array
    """By phone, and whether a pause follows, shape (phones, 2)."""
    spread: Array
    """Standard deviation of chance, by phone, shape (phones,)."""
    tempo: Array
    """Of a breath: mean for one phone, slope with the logarithm of their number (words alone are said slowly,
    and the shorter the slower), standard deviation."""

    def draw(self, phones: Sequence[str], rng: np.random.Generator) -> list[Segment]:
        """Phones of one breath, with lengths of one speaking."""
        mean, slope, deviation = self.tempo
        tempo = rng.normal(mean + slope * np.log(max(1, len(phones))), deviation)
        found = []
        for at, phone in enumerate(phones):
            number = PHONES.index(phone)
            log = self.means[number, int(at == len(phones) - 1)] + tempo
            frames = round(float(np.exp(log + rng.normal(scale=self.spread[number]))))
            found.append(Segment(phone, min(max(frames, _SHORTEST), _LONGEST)))
        return found


def fitted(recordings: Iterable[Sequence[Segment]]) -> Durations:
    """From aligned recordings: means of phones and tempos of breaths in turns, each from what is left."""
    phone, final, breath, log = _table(recordings)
    counts = np.bincount(breath)
    size = np.log(np.maximum(counts, 1))
    place, means, tempo = 2 * phone + final, np.zeros((len(PHONES), 2)), np.zeros(len(counts))
    slope = offset = 0.0
    for _ in range(_ROUNDS):
        left = log - tempo[breath]
        sums = np.bincount(place, left, 2 * len(PHONES)) + _PRIOR * (left.mean() if len(left) else 0.0)
        means = (sums / (np.bincount(place, minlength=2 * len(PHONES)) + _PRIOR)).reshape(-1, 2)
        left = log - means.reshape(-1)[place]
        tempo = np.bincount(breath, left, len(counts)) / np.maximum(counts, 1)
    if len(set(counts)) > 1:
        slope = float(np.cov(size, tempo)[0, 1] / size.var(ddof=1))
    offset = float((tempo - slope * size).mean()) if len(tempo) else 0.0
    chance = log - means.reshape(-1)[place] - tempo[breath]
    # A tempo from few phones has chance in it, and what is left of these few is less than chance.
    variance = np.square(chance).sum() / max(1, len(chance) - len(counts))
    squares = np.bincount(phone, np.square(chance), len(PHONES)) + _PRIOR * variance
    spread = np.sqrt(squares / (np.bincount(phone, minlength=len(PHONES)) + _PRIOR))
    between = (tempo - slope * size - offset).var() - (variance / np.maximum(counts, 1)).mean()
    found = (means, spread, [offset, slope, max(0.01, between) ** 0.5])
    return Durations(*(np.asarray(values, np.float32) for values in found))


def _table(recordings: Iterable[Sequence[Segment]]) -> tuple[npt.NDArray[np.int64], ...]:
    """Of every phone: its number, whether a pause follows, the number of its breath, log frames."""
    rows, breath = [], 0
    for segments in recordings:
        following = [*segments[1:], Segment(SILENCE, 0)]
        for one, after in zip(segments, following, strict=True):
            ends = after.phone == SILENCE
            if one.phone != SILENCE:
                rows.append((PHONES.index(one.phone), int(ends), breath, np.log(one.frames)))
                breath += ends
    table = np.array(rows, np.float64).reshape(-1, 4)
    phone, final, number = (table[:, column].astype(np.int64) for column in range(3))
    return phone, final, number, table[:, 3]  # type: ignore[return-value]
