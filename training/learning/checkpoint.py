"""Float weights on disk, and everything of an interrupted training from which it goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from kws.errors import KwsError
from training.kept import keep_arrays
from training.models import Network

Array = npt.NDArray[Any]


def save_weights(path: Path, network: Network) -> None:
    """All variables in their order, as an .npz."""
    save_arrays(path, [np.asarray(variable) for variable in network.variables])


def save_arrays(path: Path, arrays: Sequence[Array]) -> None:
    """In their order, as an .npz."""
    np.savez(path, *arrays)  # type: ignore[arg-type]


def load_weights(path: Path, network: Network) -> None:
    """Into a network of the same settings; KwsError when the file does not fit it."""
    arrays = load_arrays(path)
    shapes = [tuple(variable.shape) for variable in network.variables]
    if [array.shape for array in arrays] != shapes:
        raise KwsError(f"{path}: weights of another network; give the recipe that it was trained with")
    for variable, array in zip(network.variables, arrays, strict=True):
        variable.assign(array)


def load_arrays(path: Path) -> list[Array]:
    """What `save_arrays` wrote; KwsError where that cannot be read."""
    try:
        with path.open("rb") as file, np.load(file) as stored:
            return [stored[f"arr_{index}"] for index in range(len(stored.files))]
    except OSError as error:
        raise KwsError(f"{path}: cannot be read ({error.strerror}); train the model again") from error
    except (ValueError, EOFError, KeyError, BadZipFile) as error:
        raise KwsError(f"{path}: no weights in it ({error}); train the model again") from error


class Checkpoint:
    """Where a training keeps what it needs to go on; written whole or not at all.

    Args:
        path: of the file.
        job: everything that the training's course depends on; another job's file is refused.
    """

    def __init__(self, path: Path, job: Mapping[str, Any]) -> None:
        self.path = path
        self._job = json.dumps(job, sort_keys=True, default=str)

    def save(self, arrays: Mapping[str, Any]) -> None:
        """In place of what was saved before."""
        keep_arrays(self.path, job=self._job, **arrays)

    def load(self) -> dict[str, Array] | None:
        """What was saved last, or None; KwsError where it belongs to another job or is damaged."""
        if not self.path.is_file():
            return None
        try:
            with self.path.open("rb") as file, np.load(file) as stored:
                arrays = {name: stored[name] for name in stored.files}
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise KwsError(f"{self.path}: cannot be read ({error}); train without --resume") from error
        if str(arrays.pop("job", "")) != self._job:
            raise KwsError(
                f"{self.path}: belongs to a training with another phrase, recipe, seed or recordings; "
                "give the same again, or train without --resume"
            )
        return arrays

    def remove(self) -> None:
        """The training is over."""
        self.path.unlink(missing_ok=True)
