"""SpecAugment (Park et al. 2019): what is often hidden in part is not relied on by itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def hide(rows: npt.NDArray[np.generic], rng: np.random.Generator, *, channels: int, stretch: int) -> None:
    """In place: of rows (t, width) at most so many neighbouring channels and rows become 0."""
    channel, row = rng.integers(rows.shape[1]), rng.integers(rows.shape[0])
    rows[:, channel : channel + rng.integers(channels + 1)] = 0
    rows[row : row + rng.integers(stretch + 1)] = 0
