"""Write a .tflite anew, each vector of scales and of zero points once.

TensorFlow's converter gives every tensor vectors of its own, eight zero bytes for each channel. Tables of a
flatbuffer may point to one and the same vector: what is read is the same, from a file a tenth smaller for a
small GRU.
"""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from kws.encoders.graph import AlignedBuffer


def compact(tflite: bytes) -> bytes:
    """The same model; contents of buffers are aligned as before."""
    return written(schema.ModelT.InitFromObj(schema.Model.GetRootAs(tflite, 0)), len(tflite))


def written(model: Any, size: int) -> bytes:
    """A model in the schema's classes as a .tflite of about so many bytes."""
    model.buffers = [_aligned(buffer) for buffer in model.buffers]
    builder = _SharingBuilder(size)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


class _SharingBuilder(flatbuffers.Builder):  # type: ignore[misc]
    """Vectors of equal type and contents are written once."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._written: dict[tuple[str, bytes], Any] = {}

    def CreateNumpyVector(self, x: npt.NDArray[Any]) -> Any:  # noqa: N802 (the generated code calls it)
        """The place of a vector like this."""
        key = x.dtype.str, x.tobytes()
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]


def _aligned(buffer: Any) -> Any:
    if buffer.data is None:
        return buffer
    aligned = AlignedBuffer()
    aligned.data = np.asarray(buffer.data, np.uint8).tobytes()
    return aligned
