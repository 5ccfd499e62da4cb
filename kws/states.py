"""State that a graph hands out and takes back, where its operators cannot keep it in variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kws.errors import BundleError


@dataclass(frozen=True, eq=False)
class State:
    """One output that becomes an input of the next step."""

    input: int
    """Its place among the graph's inputs; the rows' place is 0."""
    output: int
    """Its place among the outputs; that of the probabilities is 0."""
    initial: npt.NDArray[np.int8]
    """Before the first step, in the tensor's shape."""


def read_states(path: Path, rows: Sequence[Mapping[str, Any]]) -> tuple[State, ...]:
    """What stands under `kws.states` in the manifest at `path`; raises BundleError naming the row."""
    return tuple(_state(f"{path}: kws.states {number}", row) for number, row in enumerate(rows, 1))


def _state(place: str, row: Mapping[str, Any]) -> State:
    for key in ("input", "output"):
        if type(row.get(key)) is not int or row[key] < 0:
            raise BundleError(f"{place}: {key} must be a whole number from 0; export the model again")
    try:
        values = np.array(row.get("initial"), np.int64).reshape(np.array(row.get("shape"), np.int64))
    except (TypeError, ValueError, OverflowError) as error:
        raise BundleError(
            f"{place}: initial must be numbers of this shape; export the model again"
        ) from error
    if np.any(np.abs(values + 0.5) > 127.5):
        raise BundleError(f"{place}: initial must be from -128 to 127; export the model again")
    return State(row["input"], row["output"], values.astype(np.int8))
