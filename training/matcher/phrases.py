"""The phrases that are said in the material: a word, or two or three that follow one another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.matcher.material import Heard
from training.matcher.nearness import Texts

LEAST_PHONES, LEAST_ALONE = 4, 3
"""Of a phrase, and of a word that is the whole of its recording."""
LONGEST = 16
"""Phones of a phrase."""
WINDOW = 25
"""Rows, two seconds, in which a phrase is looked for."""
_PAUSE = 4.0
"""Rows between words that follow one another, at most."""
_LONGEST_ROWS = 20.0
_SHARES = (0.5, 0.3, 0.2)
"""How often a phrase has one, two and three words."""


@dataclass(frozen=True, eq=False)
class Phrases:
    """All of them; n is their number."""

    texts: Texts
    """(n, LONGEST)."""
    ends: npt.NDArray[np.float32]
    """Row at which each phone has ended, shape (n, LONGEST); infinite past a phrase's end."""
    last: npt.NDArray[np.int64]
    """The first row that has heard all of it, shape (n,)."""
    clip: npt.NDArray[np.int64]
    """Number of its recording, shape (n,)."""
    chance: npt.NDArray[np.float64]
    """Of being drawn, shape (n,): one that is said often is drawn less often than it is said."""

    def __len__(self) -> int:
        return len(self.last)

    def only(self, kept: npt.NDArray[np.bool_]) -> Phrases:
        """Those of them."""
        chance = self.chance[kept]
        return Phrases(
            self.texts[kept], self.ends[kept], self.last[kept], self.clip[kept], chance / chance.sum()
        )


def phrases_of(heard: Heard) -> Phrases:
    """In the order in which they are said, those of one word before those of two and of three."""
    found = [_of_words(heard, count) for count in range(1, len(_SHARES) + 1)]
    first = np.concatenate([firsts for firsts, _ in found])
    stop = np.concatenate([stops for _, stops in found])
    places = first[:, None] + np.arange(LONGEST)
    there = places < stop[:, None]
    places = np.minimum(places, len(heard.phones) - 1)
    texts: Texts = np.where(there, heard.phones[places], 0).astype(np.uint8)
    ends = np.where(there, heard.ends[places], np.inf).astype(np.float32)
    word = np.searchsorted(heard.words, first, side="right") - 1
    last = np.ceil(heard.ends[stop - 1]).astype(np.int64)
    chance = np.concatenate([_chances(texts[_slice(found, n)], share) for n, share in enumerate(_SHARES)])
    return Phrases(texts, ends, last, heard.clip[word], chance / chance.sum())


def _of_words(heard: Heard, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """First phone of each phrase of so many words, and the one after its last."""
    words = len(heard.starts)
    first = np.arange(max(0, words - count + 1))
    final = first + count - 1
    begin, stop = heard.words[first], heard.words[final + 1]
    together = heard.piece[first] == heard.piece[final]
    for place in range(count - 1):
        pause = heard.starts[first + place + 1] - heard.ends[heard.words[first + place + 1] - 1]
        together &= pause <= _PAUSE
    sizes = np.bincount(heard.piece, minlength=1)[heard.piece[first]]
    least = np.where(sizes == 1, LEAST_ALONE, LEAST_PHONES)
    fits = (stop - begin >= least) & (stop - begin <= LONGEST)
    fits &= heard.ends[stop - 1] - heard.starts[first] <= _LONGEST_ROWS
    kept = together & fits & _has_a_window(heard, np.ceil(heard.ends[stop - 1]).astype(np.int64))
    return begin[kept], stop[kept]


def _has_a_window(heard: Heard, last: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Whether as many rows as a window has lie between its stream's beginning and there."""
    begins = heard.begins[np.searchsorted(heard.begins, last, side="right") - 1]
    return (last - begins >= WINDOW - 1) & (last < len(heard.rows))


def _slice(found: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]], number: int) -> slice:
    before = sum(len(firsts) for firsts, _ in found[:number])
    return slice(before, before + len(found[number][0]))


def _chances(texts: Texts, share: float) -> npt.NDArray[np.float64]:
    """By the root of how often each is said."""
    if not len(texts):
        return np.empty(0)
    _, which, counts = np.unique(texts, axis=0, return_inverse=True, return_counts=True)
    weights = counts[which.reshape(-1)] ** -0.5
    return np.asarray(share * weights / weights.sum(), np.float64)
