"""What was said in the real speech that heads learn from, step by step: to tell what a false alarm was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Owners = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Sources:
    """Of all sequences of real speech, joined as training.heads.examples joins them."""

    names: Sequence[str]
    """Of each recording."""
    owner: Owners
    """Of each row the place in `names`, -1 between sequences."""


NO_SOURCES = Sources((), np.empty(0, np.int32))


def sources_of(
    names: Sequence[str], owner: Owners, first: npt.NDArray[np.bool_], *, look_back: int
) -> Sources:
    """From the recording heard last in each row, and where sequences begin; with the rows before each."""
    gap = np.full(look_back, -1, np.int32)
    parts = np.split(owner.astype(np.int32), np.flatnonzero(first)[1:])
    return Sources(names, np.concatenate([part for found in parts for part in (gap, found)]))
