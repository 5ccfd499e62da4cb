"""A network in one .npz: its weights in 16 bits, other arrays that it needs, and its card, which is JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np
import numpy.typing as npt

from kws.errors import KwsError
from training.kept import keep_arrays

Arrays = Mapping[str, npt.NDArray[Any]]


def write_network(
    path: Path, variables: Sequence[keras.Variable], card: Mapping[str, Any], network: Any, **others: Any
) -> None:
    """All of it, and the card also beside it, for people.

    Args:
        path: of the .npz.
        variables: the network's, in their order.
        card: what it came from.
        network: its settings, which go into the card that is read.
        others: arrays that it needs, by name.
    """
    weights = {f"weight{n}": np.asarray(variable, np.float16) for n, variable in enumerate(variables)}
    read = json.dumps({**card, "network": network}, sort_keys=True)
    keep_arrays(path, **weights, **others, card=np.frombuffer(read.encode(), np.uint8))
    path.with_suffix(".json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


@contextmanager
def network_arrays(path: Path, what: str, command: str) -> Iterator[tuple[Arrays, dict[str, Any]]]:
    """What `write_network` wrote: arrays by name, and the card.

    Args:
        path: of the .npz.
        what: it should be, as errors call it.
        command: that makes one.

    Raises:
        KwsError: there is none, it cannot be read, or the `with` block finds that its form is another.
    """
    try:
        with path.open("rb") as file, np.load(file) as stored:
            arrays = {name: stored[name] for name in stored.files}
        yield arrays, json.loads(arrays["card"].tobytes())
    except FileNotFoundError as error:
        raise KwsError(f"{path}: no {what} there; make it with {command}") from error
    except (OSError, ValueError, EOFError, KeyError, TypeError, BadZipFile) as error:
        raise KwsError(f"{path}: not a {what} ({error}); make it again with {command}") from error


def assign_weights(variables: Sequence[keras.Variable], arrays: Arrays) -> None:
    """Inverse of how `write_network` names them."""
    for number, variable in enumerate(variables):
        variable.assign(arrays[f"weight{number}"].astype(np.float32))
