"""Float weights on disk, so that a trained network can be opened again beside its int8 form."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kws.errors import KwsError
from training.models import Network


def save_weights(path: Path, network: Network) -> None:
    """All variables in their order, as an .npz."""
    np.savez(path, *[np.asarray(variable) for variable in network.variables])


def load_weights(path: Path, network: Network) -> None:
    """Into a network of the same settings; KwsError when the file does not fit it."""
    with np.load(path) as stored:
        arrays = [stored[f"arr_{index}"] for index in range(len(stored.files))]
    shapes = [tuple(variable.shape) for variable in network.variables]
    if [array.shape for array in arrays] != shapes:
        raise KwsError(f"{path}: weights of another network; give the recipe that it was trained with")
    for variable, array in zip(network.variables, arrays, strict=True):
        variable.assign(array)
