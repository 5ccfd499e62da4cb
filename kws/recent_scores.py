"""What a model said lately, from which its highest smoothed score in a stretch can be asked afterwards."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from kws.detector import Detector, DetectorConfig


class RecentScores:
    """Outputs of one label by the numbers of their steps; smoothing them waits until somebody asks.

    Args:
        config: of the detector that smooths them.
        steps: that can be asked for from before those that came last.
    """

    def __init__(self, config: DetectorConfig, steps: int) -> None:
        self._config, self._kept = config, steps + config.window
        self._detector = Detector(replace(config, warmup=0))
        self.reset()

    def extend(self, outputs: npt.NDArray[np.uint8]) -> None:
        """The next steps' outputs, shape (steps,)."""
        if len(self._outputs) > 2 * self._kept:
            self._first += len(self._outputs) - self._kept
            del self._outputs[: -self._kept]
        self._outputs += outputs.tolist()

    def best(self, first: int, last: int) -> float:
        """The highest smoothed score of the steps `first` to `last`, 0 where there are none."""
        start = max(self._first, first - self._config.window + 1)
        heard = np.array(self._outputs[start - self._first : last + 1 - self._first], np.uint8)
        heard[: max(0, self._config.warmup - start)] = 0
        self._detector.reset()
        scores = self._detector.smooth(heard)
        return float(scores[first - start :].max(initial=0))

    def reset(self) -> None:
        """As new."""
        self._outputs: list[int] = []
        self._first = 0
