"""Whether somebody who was spoken to is done speaking, by level: for those who have no recognizer to tell."""

from __future__ import annotations

import numpy as np

from kws.loudness import FRAME
from kws.tally import level_db
from kws.types import SAMPLE_RATE, Samples

ABOVE_FLOOR_DB = 9.0
"""What is so far above the noise floor is speech."""
QUIETEST_FLOOR_DB = -65.0
"""A floor below this is taken for this: between zeros the faintest hiss would be speech."""
PATIENCE_SECONDS = 3.0
"""For the first word after the wake word."""


class Pause:
    """Follows what is said after a wake word.

    Args:
        floor: level of the room when nobody speaks, dB below full scale.
        seconds: a pause so long is the end.
    """

    def __init__(self, floor: float, seconds: float) -> None:
        self._threshold = max(floor, QUIETEST_FLOOR_DB) + ABOVE_FLOOR_DB
        self._allowed = round(seconds * SAMPLE_RATE)
        self._patience = max(self._allowed, round(PATIENCE_SECONDS * SAMPLE_RATE))
        self._rest = np.empty(0, np.int16)
        self._position = 0
        self._spoken = -1  # sample after the last speech; -1: none yet

    def push(self, samples: Samples) -> int | None:
        """How many of these samples belong to it, if it ends with them."""
        joined = np.concatenate([self._rest, samples])
        whole = len(joined) // FRAME * FRAME
        before, self._rest = len(self._rest), joined[whole:]
        for number, frame in enumerate(joined[:whole].reshape(-1, FRAME), 1):
            self._position += FRAME
            if level_db(frame) > self._threshold:
                self._spoken = self._position
            elif self._position >= self._until:
                return number * FRAME - before
        return None

    @property
    def _until(self) -> int:
        return self._patience if self._spoken < 0 else self._spoken + self._allowed
