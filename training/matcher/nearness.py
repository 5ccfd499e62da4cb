"""How near a text comes to what is said somewhere in a stretch: a weighted edit distance, of many at once.

As `training.words.confusion.distance`, but what is said before and after costs nothing (Sellers 1980).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from kws.recognition.tokens import PHONES
from training.words import confusion
from training.words.confusion import LEAST_SHARE, Costs

Texts = npt.NDArray[np.uint8]
"""Columns of phones in the recognizer's token set, 0 past their end, shape (n, phones)."""

LEAST = 1.0
"""Distance from which on a text counts as not said, whatever its length; of long ones it is LEAST_SHARE of
their phones (training.words.confusion says why). What is nearer is neither said nor not said."""


def nearest(asked: Texts, said: Texts) -> Costs:
    """Distance of each text to the stretch of its row of `said` that is most like it, shape (n,)."""
    replace, gap = costs_of_tokens()
    inserted = np.pad(np.cumsum(gap[asked], axis=1), ((0, 0), (1, 0)))
    row, best = inserted.copy(), inserted[:, -1].copy()
    for heard in said.T:
        exchanged = row[:, :-1] + replace[asked, heard[:, None]]
        dropped = row[:, 1:] + gap[heard][:, None]
        below = np.pad(np.minimum(exchanged, dropped), ((0, 0), (1, 0)))
        # A phone too few costs its gap; so the least along a text is a running minimum without those costs.
        below = np.minimum.accumulate(below - inserted, axis=1) + inserted
        row = np.where(heard[:, None] > 0, below, row)
        best = np.minimum(best, row[:, -1])
    return best.astype(np.float32)


def is_apart(asked: Texts, said: Texts) -> npt.NDArray[np.bool_]:
    """Whether each text is so far from all that is said that it is not said, shape (n,)."""
    return nearest(asked, said) >= np.maximum(LEAST, LEAST_SHARE * np.count_nonzero(asked, axis=1))


@lru_cache(maxsize=1)
def costs_of_tokens() -> tuple[Costs, Costs]:
    """Those of `confusion`, by the recognizer's columns: (40, 40) and (40,); 0 where there is none."""
    replace, gap = confusion.costs()
    columns = np.array([PHONES.index[phone] for phone in confusion.PHONES])
    by_column = np.zeros((len(PHONES), len(PHONES)), np.float32)
    by_column[np.ix_(columns, columns)] = replace
    gaps = np.zeros(len(PHONES), np.float32)
    gaps[columns] = gap
    return by_column, gaps
