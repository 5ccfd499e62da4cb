"""Coarse values for embeddings: steps of one size along the principal axes of what was heard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kws.types import Rows

STEP = 1.1
"""From code to code, where every value's deviation is 1; a head learns with noise of the same order."""

Floats = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Grid:
    """Rows differ along few axes; along the others nearly every code is 0, and takes next to no room.

    Codes count from the mean: some values of an embedding lie ten deviations off zero.
    """

    mean: Floats
    """Of each value, shape (96,)."""
    deviation: Floats
    axes: Floats
    """Shape (96, 96): each column one axis, of length 1, for rows of mean 0 and deviation 1."""

    def codes(self, rows: Rows) -> Codes:
        """int8 rows (t, 96) -> codes (t, 96)."""
        normal = (rows - self.mean) / self.deviation
        codes: Codes = np.rint(normal @ self.axes / np.float32(STEP)).clip(-128, 127).astype(np.int8)
        return codes

    def rows(self, codes: Codes) -> Rows:
        """What codes stand for."""
        normal = codes * np.float32(STEP) @ self.axes.T
        rows: Rows = np.rint(normal * self.deviation + self.mean).clip(-128, 127).astype(np.int8)
        return rows

    def coarse(self, rows: Rows) -> Rows:
        """The nearest that codes can say."""
        return self.rows(self.codes(rows))


def grid_of(rows: Rows) -> Grid:
    """For rows like these, shape (t, 96)."""
    real = rows.astype(np.float32)
    mean, deviation = real.mean(axis=0), real.std(axis=0) + np.float32(1e-3)
    _, axes = np.linalg.eigh(np.cov(((real - mean) / deviation).T))
    return Grid(mean, deviation, axes.astype(np.float32))
