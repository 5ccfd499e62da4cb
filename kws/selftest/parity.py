"""One model computed in two ways: how far the outputs lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kws.frontends import new_front_end
from kws.runtimes import Model
from kws.selftest import Recording
from kws.sources import open_source
from kws.types import Rows


@dataclass(frozen=True)
class Parity:
    """The outputs of two models, step by step."""

    different: int
    outputs: int
    largest: int
    """Difference, of 255."""

    def __str__(self) -> str:
        return f"{self.different} of {self.outputs} outputs differ, by at most {self.largest} of 255"


def rows_of(recordings: Sequence[Recording], front_end: str) -> Rows:
    """What this front end makes of the recordings, one after the other."""
    stage = new_front_end(front_end)
    pieces = []
    for recording in recordings:
        with open_source(recording.audio) as blocks:
            pieces += [stage.push(block.pcm) for block in blocks]
    return np.concatenate(pieces)


def parity(one: Model, other: Model, rows: Rows) -> Parity:
    """Of two models from their start on."""
    one.reset()
    other.reset()
    distance = np.abs(one.push(rows).astype(int) - other.push(rows).astype(int))
    return Parity(int(np.count_nonzero(distance)), distance.size, int(distance.max(initial=0)))
