"""Heads as arrays: for checkpoints, and as the float weights beside a bundle."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from training.heads.head import Head

_FIELDS = [field.name for field in dataclasses.fields(Head)]


def head_arrays(heads: Sequence[Head]) -> list[Any]:
    """All weights of all heads, in order."""
    return [np.asarray(getattr(head, name)) for head in heads for name in _FIELDS]


def heads_from(arrays: Sequence[Any]) -> list[Head]:
    """Inverse of `head_arrays`."""
    count = len(_FIELDS)
    return [_head(arrays[first : first + count]) for first in range(0, len(arrays), count)]


def named(heads: Sequence[Head]) -> dict[str, Any]:
    """The same under names that keep their order, for a checkpoint."""
    return {f"head.{number:03}": array for number, array in enumerate(head_arrays(heads))}


def heads_of(saved: Mapping[str, Any]) -> list[Head]:
    """Inverse of `named`."""
    return heads_from([saved[name] for name in sorted(saved) if name.startswith("head.")])


def _head(arrays: Sequence[Any]) -> Head:
    values = dict(zip(_FIELDS, arrays, strict=True))
    return Head(**{**values, "out_bias": float(values["out_bias"])})
