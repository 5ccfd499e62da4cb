"""Sums of probabilities that are kept as logarithms."""

from __future__ import annotations

import math

NEVER = -math.inf


def log_add(a: float, b: float) -> float:
    """ln(e^a + e^b), without leaving the range of a float."""
    if a < b:
        a, b = b, a
    return a if b == NEVER else a + math.log1p(math.exp(b - a))
