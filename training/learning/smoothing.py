"""Probabilities step by step -> the score that the detector compares, for networks that are not deployed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def smoothed(scores: npt.NDArray[np.floating], window: int) -> npt.NDArray[np.float64]:
    """The mean of each step and the `window` - 1 before it, 0 before the first, shape (steps,).

    As `kws.detector.Detector.smooth` has it of whole numbers.
    """
    if not len(scores):
        return np.empty(0)
    held = np.concatenate([np.zeros(window - 1), scores])
    return np.convolve(held, np.full(window, 1 / window), "valid")
