"""Whether a model can be run as its manifest says: the file, what hears for it, what it takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kws.checksum import checksum
from kws.errors import BundleError, KwsError
from kws.frontends import require, row_format
from kws.runtimes import Model


def check_file(manifest: Path, model: Path, sha256: str | None) -> None:
    """BundleError unless the model is there and, where its checksum is known, is that one."""
    if not model.is_file():
        raise BundleError(f"{manifest}: its model {model.name} is not beside it; copy it there")
    if sha256 and checksum(model.read_bytes()) != sha256:
        raise BundleError(
            f"{model}: not the file that {manifest.name} describes "
            "(SHA-256 differs); install the two files together"
        )


def check_installed(manifest: Path, front_end: str) -> None:
    """BundleError, which says what to install, unless what hears for the model is there."""
    try:
        require(front_end)
    except KwsError as error:
        raise BundleError(f"{manifest}: cannot be run: {error}") from error


def check_input(path: Path, model: Model, front_end: str) -> None:
    """BundleError unless the model at `path` takes the rows of that front end."""
    rows = row_format(front_end)
    if model.channels != rows.channels:
        raise BundleError(
            f"{path}: takes {model.channels} channels, the front end gives {rows.channels}; "
            "train the model on this front end"
        )
    scale, zero = model.input_quantization
    if not np.isclose(scale, rows.row_scale, rtol=1e-3) or zero != rows.row_zero_point:
        raise BundleError(
            f"{path}: input quantization is scale {scale:.6g}, zero point {zero}; "
            f"the front end's rows have {rows.row_scale:.6g}, {rows.row_zero_point}; "
            "quantize it with those"
        )
