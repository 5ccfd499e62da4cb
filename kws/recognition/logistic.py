"""Logistic regression: features -> probability."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

_STEPS = 50
_RIDGE = 1e-3
"""Keeps the weights finite where right and wrong can be told apart perfectly."""


def logistic(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def fitted_weights(features: Sequence[Sequence[float]], right: Sequence[bool]) -> tuple[float, ...]:
    """A weight for each feature and an offset, by Newton's method on the ridge-penalized log-likelihood.

    Raises:
        ValueError: fewer than two examples, or all of them right or all wrong.
    """
    if len(set(right)) < 2:
        raise ValueError("calibration needs examples that are right and examples that are wrong")
    x = np.column_stack([np.array(features, np.float64), np.ones(len(features))])
    y = np.array(right, np.float64)
    weights = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -40, 40)))
        hessian = (x * (p * (1 - p))[:, None]).T @ x + _RIDGE * np.eye(len(weights))
        weights = weights + np.linalg.solve(hessian, x.T @ (y - p) - _RIDGE * weights)
    return tuple(float(weight) for weight in weights)
