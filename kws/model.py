"""int8 rows -> raw outputs: one streaming TFLite interpreter, its state inside the graph."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kws.errors import BundleError
from kws.types import Outputs, Rows


class StreamingModel:
    """A streaming Stage: int8 rows (t, channels) -> uint8 outputs (steps, labels), one step per `stride` rows.

    The graph keeps its recurrent state in resource variables (VAR_HANDLE, READ_VARIABLE,
    ASSIGN_VARIABLE), the form that microWakeWord and ESPHome run.

    Args:
        path: an int8 .tflite; input int8 [1, stride, channels], output uint8 [1, labels].
        reference_kernels: use LiteRT's portable kernels, the arithmetic of microcontrollers, which
            differs from the default by a few units (see the numeric contract in docs/architecture.md).

    Raises:
        BundleError: the file is not a model of that form.
    """

    def __init__(self, path: Path, *, reference_kernels: bool = False) -> None:
        self._interpreter = _interpreter(path, reference_kernels)
        source, sink = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        _check_tensors(path, source, sink)
        self._input, self._output = source[0]["index"], sink[0]["index"]
        _, self.stride, self.channels = (int(n) for n in source[0]["shape"])
        self.labels = int(sink[0]["shape"][1])
        self.input_quantization: tuple[float, int] = source[0]["quantization"]
        self.output_quantization: tuple[float, int] = sink[0]["quantization"]
        self.reset()

    def push(self, rows: Rows) -> Outputs:
        """One row of outputs for every `stride` rows completed."""
        held = np.concatenate([self._pending, rows]) if len(self._pending) else rows
        steps = len(held) // self.stride
        outputs = np.empty((steps, self.labels), np.uint8)
        windows = held[: steps * self.stride].reshape(steps, 1, self.stride, self.channels)
        set_tensor, invoke, get_tensor = (
            self._interpreter.set_tensor,
            self._interpreter.invoke,
            self._interpreter.get_tensor,
        )
        for step in range(steps):
            set_tensor(self._input, windows[step])
            invoke()
            outputs[step] = get_tensor(self._output)
        self._pending = held[steps * self.stride :]
        return outputs

    def flush(self) -> Outputs:
        """Nothing: rows short of a stride are not judged."""
        return np.empty((0, self.labels), np.uint8)

    def reset(self) -> None:
        """State variables back to their initial values, held rows forgotten."""
        self._interpreter.reset_all_variables()
        self._pending = np.empty((0, self.channels), np.int8)


def _interpreter(path: Path, reference_kernels: bool):  # type: ignore[no-untyped-def]
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.BUILTIN_REF if reference_kernels else OpResolverType.AUTO
    try:
        interpreter = Interpreter(
            str(path), num_threads=1, experimental_op_resolver_type=resolver
        )
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise BundleError(f"{path}: LiteRT cannot load it ({error}); is it a complete .tflite file?") from error
    return interpreter


def _check_tensors(path: Path, sources: list, sinks: list) -> None:  # type: ignore[type-arg]
    if len(sources) != 1 or len(sinks) != 1:
        raise BundleError(
            f"{path}: {len(sources)} inputs and {len(sinks)} outputs, expected one of each with the state "
            "inside the graph; export it as a streaming model"
        )
    source, sink = sources[0], sinks[0]
    if source["dtype"] is not np.int8 or len(source["shape"]) != 3 or source["shape"][0] != 1:
        raise BundleError(
            f"{path}: input is {_described(source)}, expected int8 [1, stride, channels]; "
            "quantize it to int8 as a streaming model"
        )
    if sink["dtype"] is not np.uint8 or len(sink["shape"]) != 2 or sink["shape"][0] != 1:
        raise BundleError(
            f"{path}: output is {_described(sink)}, expected uint8 [1, labels]; quantize its output to uint8"
        )


def _described(tensor: dict) -> str:  # type: ignore[type-arg]
    return f"{np.dtype(tensor['dtype']).name} {[int(n) for n in tensor['shape']]}"
