"""One word's network: two dense layers over the last embeddings."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from kws.encoders.rows import EmbeddingRowsConfig
from kws.types import Rows
from training.learning.row_values import real_valued

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Head:
    """The weights. Each embedding is projected once, when it comes; what is remembered are projections."""

    project: Floats
    """Shape (96, projected)."""
    project_bias: Floats
    hidden: Floats
    """Shape (context, projected, hidden), the oldest embedding first."""
    hidden_bias: Floats
    out: Floats
    """Shape (hidden,)."""
    out_bias: float

    @property
    def context(self) -> int:
        """Embeddings it hears."""
        return len(self.hidden)

    def projections(self, rows: Rows) -> Floats:
        """int8 rows (t, 96) -> (t, projected)."""
        real = real_valued(rows, EmbeddingRowsConfig())
        return np.maximum(0, real @ self.project + self.project_bias)

    def hidden_values(self, rows: Rows) -> Floats:
        """Shape (t, 96) -> (t, hidden); what came before the first row counts as rows of zeros."""
        padded = self.projections(np.pad(rows, ((self.context - 1, 0), (0, 0))))
        steps = len(rows)
        found = sum(padded[age : age + steps] @ weights for age, weights in enumerate(self.hidden))
        return np.maximum(0, found + self.hidden_bias)

    def logits(self, rows: Rows) -> Floats:
        """Shape (t, 96) -> (t,): above 0 where the word seems to have just ended."""
        return self.hidden_values(rows) @ self.out + np.float32(self.out_bias)

    def scaled(self, factor: float, offset: float = 0.0) -> Head:
        """The same head with logits `factor` * (logit - `offset`)."""
        return replace(self, out=self.out * np.float32(factor), out_bias=factor * (self.out_bias - offset))


@dataclass(frozen=True, eq=False)
class Committee:
    """Heads that learned from other random numbers; their mean is the answer, less sure where they differ."""

    members: tuple[Head, ...]

    def logits(self, rows: Rows) -> Floats:
        """Shape (t, 96) -> (t,)."""
        mean: Floats = np.mean([head.logits(rows) for head in self.members], axis=0)
        return mean

    def scaled(self, factor: float, offset: float = 0.0) -> Committee:
        """The same with logits `factor` * (logit - `offset`)."""
        return Committee(tuple(head.scaled(factor, offset) for head in self.members))
