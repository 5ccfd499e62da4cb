"""What heads learn from: long sequences of embeddings, and the steps at which a word has just ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kws.types import Rows
from training.material.tapes import NEGATIVE, POSITIVE, Marks

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Examples:
    """Sequences joined end to end, each after as many rows of zeros as a head looks back."""

    rows: Rows
    """int8, shape (t, 96)."""
    negative: Places
    """Steps at which no word has just ended, shape (n,)."""
    words: Places
    """Steps at which each word may be heard, shape (words, steps); of fewer the last repeats."""
    lane: npt.NDArray[np.int32]
    """Number of the sequence that each row belongs to, shape (t,)."""
    first_real: int = 0
    """The first of the sequences, at the end, that are other speech by people; the others were composed."""

    def left_by(self, number: int, parts: int) -> Examples:
        """All but every `parts`-th sequence, beginning with this one; the rows stay."""
        kept = self.lane % parts != number
        return replace(
            self, negative=self.negative[kept[self.negative]], words=self.words[kept[self.words[:, 0]]]
        )

    def windows(self, ends: Places, context: int) -> Rows:
        """The rows up to these steps, shape (*ends.shape, context, 96)."""
        return self.rows[ends[..., None] + np.arange(1 - context, 1)]


def join(
    sequences: Sequence[tuple[Rows, Marks]], *, look_back: int, steps: int, first_real: int = 0
) -> Examples:
    """Rows (t, 96) and marks (t,) of each sequence; at most `steps` positive steps in a row are one word."""
    gap = np.zeros((look_back, 96), np.int8)
    rows = np.concatenate([part for found, _ in sequences for part in (gap, found)])
    unmarked = np.full(look_back, -1, np.int8)
    marks = np.concatenate([part for _, known in sequences for part in (unmarked, known)])
    lane = np.repeat(np.arange(len(sequences), dtype=np.int32), [look_back + len(r) for r, _ in sequences])
    return Examples(
        rows, np.flatnonzero(marks == NEGATIVE), _runs(marks == POSITIVE, steps), lane, first_real
    )


def _runs(positive: npt.NDArray[np.bool_], steps: int) -> Places:
    """Shape (runs, steps): the steps of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], positive, [False]]).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    places: Places = np.minimum(starts[:, None] + np.arange(steps), stops[:, None] - 1)
    return places
