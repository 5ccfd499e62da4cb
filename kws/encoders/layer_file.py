"""Layers of the speech embedding's form in an .npz: int8 kernels with a scale a channel, and their ranges."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kws.encoders.network import Layer
from kws.encoders.quantized import per_channel


@dataclass(frozen=True, eq=False)
class StudentLayers:
    """First to last."""

    entry: tuple[Layer, ...]
    """Over rows of a front end, whose columns are channels of a single one here."""
    published: tuple[Layer, ...]
    """Over what `entry` says, whose channels are columns here."""


@dataclass(frozen=True)
class StudentRanges:
    """What is worth telling apart, measured on recordings."""

    entry: tuple[float, ...]
    """The largest activation, by layer, the last one without."""
    bands: tuple[float, float]
    """Smallest and largest value that `entry` says in the end."""
    published: tuple[float, ...]
    """As for `entry`."""


def write_student(path: Path, layers: StudentLayers, ranges: StudentRanges) -> None:
    """Kernels become int8: what is read again differs from them by rounding."""
    arrays: dict[str, Any] = {"ranges": np.array(json.dumps(vars(ranges)))}
    for part, found in vars(layers).items():
        for number, layer in enumerate(found):
            kernel, scale = per_channel(layer.kernel)
            form = [layer.padding, int(layer.activated), *(layer.pool or (0, 0))]
            values = {"kernel": kernel, "scale": scale, "bias": layer.bias, "form": np.array(form)}
            arrays |= {f"{part}.{number:02}.{name}": value for name, value in values.items()}
    np.savez_compressed(path, **arrays)


def read_student(path: Path) -> tuple[StudentLayers, StudentRanges]:
    """As written."""
    with np.load(path) as stored:
        ranges = {name: tuple(values) for name, values in json.loads(str(stored["ranges"])).items()}
        return StudentLayers(_part(stored, "entry"), _part(stored, "published")), StudentRanges(**ranges)


def _part(stored: Mapping[str, Any], part: str) -> tuple[Layer, ...]:
    numbers = sorted({name.split(".")[1] for name in stored if name.startswith(f"{part}.")})
    return tuple(
        _layer(*(stored[f"{part}.{number}.{name}"] for name in ("kernel", "scale", "bias", "form")))
        for number in numbers
    )


def _layer(kernel: Any, scale: Any, bias: Any, form: Sequence[int]) -> Layer:
    padding, activated, *pool = map(int, form)
    real = (kernel * scale.reshape(-1, 1, 1, 1)).astype(np.float32)
    return Layer(real, bias, padding, bool(activated), (pool[0], pool[1]) if any(pool) else None)
