"""Reads flatbuffers: tables whose fields are found through a table of offsets, as their format defines it.

Enough for .tflite files, without LiteRT, which not every machine has that exports or runs a model.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

_SIZE = 4
"""Bytes of an offset and of a vector's length."""


class Table:
    """One table; a field that is left out has its default. Damage shows as struct.error or ValueError."""

    def __init__(self, content: bytes, place: int) -> None:
        self._content, self._place = content, place
        self._vtable = place - self._read("<i", place)
        self._vtable_bytes = self._read("<H", self._vtable)

    @classmethod
    def root(cls, content: bytes, identifier: bytes) -> Table:
        """The outermost table; ValueError if the file is not of that kind."""
        if content[_SIZE : 2 * _SIZE] != identifier:
            raise ValueError(f"no {identifier.decode()} file")
        return cls(content, struct.unpack_from("<I", content)[0])

    def number(self, field: int, form: str, default: float = 0) -> Any:
        """A scalar; `form` is struct's letter."""
        place = self._field(field)
        return default if place is None else self._read(f"<{form}", place)

    def text(self, field: int) -> str:
        """A string, empty if left out."""
        return self.numbers(field, "u1").tobytes().decode(errors="replace")

    def numbers(self, field: int, dtype: str) -> npt.NDArray[Any]:
        """A vector of scalars, empty if left out; `dtype` without byte order."""
        start, count = self._vector(field)
        return np.frombuffer(self._content, np.dtype(dtype).newbyteorder("<"), count, start)

    def table(self, field: int) -> Table | None:
        """A table, None if left out."""
        place = self._field(field)
        return None if place is None else Table(self._content, self._target(place))

    def tables(self, field: int) -> Iterator[Table]:
        """A vector of tables."""
        start, count = self._vector(field)
        places = range(start, start + count * _SIZE, _SIZE)
        return (Table(self._content, self._target(place)) for place in places)

    def _field(self, field: int) -> int | None:
        entry = 4 + 2 * field  # after the sizes of the vtable and of the table, two bytes each
        if entry + 2 > self._vtable_bytes:
            return None
        offset = self._read("<H", self._vtable + entry)
        return self._place + offset if offset else None

    def _vector(self, field: int) -> tuple[int, int]:
        """Place of the first element, and how many there are."""
        place = self._field(field)
        if place is None:
            return 0, 0
        start = self._target(place)
        return start + _SIZE, self._read("<I", start)

    def _target(self, place: int) -> int:
        target: int = place + self._read("<I", place)
        return target

    def _read(self, form: str, place: int) -> Any:
        if place < 0:
            raise ValueError(f"an offset leads to {place}")
        return struct.unpack_from(form, self._content, place)[0]
