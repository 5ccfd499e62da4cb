"""What takes long to make, kept in files: named by all that it depends on, written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kws.errors import KwsError


def key_of(depends: Any) -> str:
    """For a file's name: 16 hex digits of the SHA-256 of what is in JSON all that its content depends on."""
    return hashlib.sha256(json.dumps(depends).encode()).hexdigest()[:16]


def keep_arrays(path: Path, *listed: npt.ArrayLike, **named: npt.ArrayLike) -> None:
    """As an .npz; the old file stays until the new one is whole, though the machine may stop."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez(file, *listed, **named)  # type: ignore[arg-type]
    part.replace(path)


def check_writable(folder: Path, option: str) -> None:
    """Make the folder and a file in it; raises KwsError, naming the option that gave it, where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise KwsError(
            f"{folder}: cannot be written to ({error.strerror}); give another folder with {option}"
        ) from error
