"""Samples that are already here, as a source: for tests, notebooks and other programs' audio."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

import numpy as np

from kws.types import Block, Samples


class MemorySource:
    """A Source over an array; see `from_samples`."""

    def __init__(self, samples: Samples, block: int, name: str) -> None:
        self._samples = samples
        self._block = block
        self._name = name

    def __enter__(self) -> MemorySource:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def __iter__(self) -> Iterator[Block]:
        for start in range(0, len(self._samples), self._block):
            yield Block(self._samples[start : start + self._block], self._name, start)


def from_samples(samples: Samples, *, block: int = 8_000, name: str = "memory") -> MemorySource:
    """A source of 16 kHz mono int16 samples, shape (n,), in blocks of `block` samples.

    Raises:
        ValueError: the samples have another type or shape, or blocks would be empty.
    """
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise ValueError(f"samples must be int16, shape (n,), not {samples.dtype} {samples.shape}")
    if block < 1:
        raise ValueError(f"block is {block}, expected at least 1 sample")
    return MemorySource(samples, block, name)
