"""int8 rows -> raw outputs: one streaming TFLite interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from kws.errors import BundleError, DelegateError, KwsError
from kws.runtimes import LITERT, Model, chosen, missing_package, offer
from kws.states import State
from kws.types import Outputs, Rows

if TYPE_CHECKING:
    from kws.delegates import Delegate


def open_model(
    path: Path,
    *,
    engine: str = "",
    reference_kernels: bool = False,
    delegate: Delegate | None = None,
    states: Sequence[State] = (),
) -> Model:
    """A model in an engine, see kws.runtimes; LiteRT's reference kernels and delegates are LiteRT's alone.

    Raises:
        BundleError: the file is not a model that the engine runs.
        KwsError: no such engine; a delegate with another than LiteRT.
    """
    computing = LITERT if reference_kernels else chosen(engine)
    if computing == LITERT:
        return StreamingModel(path, reference_kernels=reference_kernels, delegate=delegate, states=states)
    if delegate:
        raise KwsError(
            f"{delegate}: delegates are LiteRT's, and the engine is {computing}; choose one of the two"
        )
    return offer(computing).open_model(path)


class StreamingModel:
    """A streaming Stage: int8 rows (t, channels) -> uint8 outputs (steps, labels), a step per `stride` rows.

    The graph keeps its recurrent state in resource variables (VAR_HANDLE, READ_VARIABLE,
    ASSIGN_VARIABLE), the form that microWakeWord and ESPHome run, or has it as inputs and outputs.

    Args:
        path: an int8 .tflite; input int8 [1, stride, channels], output uint8 [1, labels].
        reference_kernels: use LiteRT's portable kernels, the arithmetic of microcontrollers, which
            differs from the default by a few units (see the numeric contract in docs/architecture.md).
        delegate: what computes the operators that it takes, in place of the processor. Where it cannot, or
            fails later, that is logged as a warning, and the processor computes them all, from a new state.
        states: outputs that become inputs of the next step, where the graph has no variables.

    Raises:
        BundleError: the file is not a model of that form.
    """

    delegate: Delegate | None
    """What computes here; None where one was asked for and cannot."""

    def __init__(
        self,
        path: Path,
        *,
        reference_kernels: bool = False,
        delegate: Delegate | None = None,
        states: Sequence[State] = (),
    ) -> None:
        self._path = path
        self._states = tuple(states)
        self._content = _read(path)
        self._reference_kernels = reference_kernels
        self.delegate = delegate
        self._interpreter = self._new_interpreter()
        self._is_new = True
        source, sink = _outer_tensors(path, self._interpreter, len(self._states))
        self._input, self._output = source["index"], sink["index"]
        _, self.stride, self.channels = (int(n) for n in source["shape"])
        self.labels = int(sink["shape"][1])
        self.input_quantization: tuple[float, int] = source["quantization"]
        self.output_quantization: tuple[float, int] = sink["quantization"]
        self._pending = self._no_rows()
        # LiteRT interns the names of signatures with each interpreter, and with the last one they die. Names
        # that come and go with every reset wear out Python's table of them, which doubles one day, by 0.5 MB.
        self._signatures = self._interpreter.get_signature_list()

    def push(self, rows: Rows) -> Outputs:
        """One row of outputs for every `stride` rows completed."""
        held = np.concatenate([self._pending, rows]) if len(self._pending) else rows
        self._is_new = False
        try:
            outputs = self._outputs(held)
        except RuntimeError as error:
            if self.delegate is None:
                raise
            self._give_up_delegate(DelegateError(f"{self.delegate}: has failed ({error})"))
            self._replace_interpreter()
            outputs = self._outputs(held)
        self._pending = held[len(outputs) * self.stride :]
        return outputs

    def flush(self) -> Outputs:
        """Nothing: rows short of a stride are not judged."""
        return np.empty((0, self.labels), np.uint8)

    def reset(self) -> None:
        """As new, held rows forgotten.

        LiteRT's own `reset_all_variables` leaves resource variables as they are, and the graph assigns their
        initial values once per interpreter; so another takes its place, which costs about 0.3 ms. One that
        has heard nothing stays.
        """
        if not self._is_new:
            self._replace_interpreter()
            self._is_new = True
        self._pending = self._no_rows()

    def _outputs(self, held: Rows) -> Outputs:
        # From a microphone comes a step or two at a time, for each of many words: every numpy call tells.
        interpreter, stride = self._interpreter, self.stride
        found: list[Outputs] = []
        for end in range(stride, len(held) + 1, stride):
            interpreter.set_tensor(self._input, held[None, end - stride : end])
            interpreter.invoke()
            found.append(interpreter.get_tensor(self._output))
            if self._carried:
                self._carry()
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else np.empty((0, self.labels), np.uint8)

    def _carry(self) -> None:
        """Hand each state's value back; all are taken first, since an output may be another's input."""
        values = [self._interpreter.get_tensor(output) for _, output in self._carried]
        for (given, _), value in zip(self._carried, values, strict=True):
            self._interpreter.set_tensor(given, value)

    def _replace_interpreter(self) -> None:
        self._interpreter = None  # first, so that a delegate's device is free for the next
        self._interpreter = self._new_interpreter()

    def _no_rows(self) -> Rows:
        return np.empty((0, self.channels), np.int8)

    def _new_interpreter(self) -> Any:
        if self.delegate is not None:
            try:
                return self._delegated(self.delegate)
            except DelegateError as error:
                self._give_up_delegate(error)
        try:
            return self._interpreted()
        except (ValueError, RuntimeError) as error:
            raise BundleError(
                f"{self._path}: LiteRT cannot load it ({error}); is it a complete .tflite file?"
            ) from error

    def _delegated(self, delegate: Delegate) -> Any:
        loaded = delegate.load()
        try:
            return self._interpreted([loaded])
        except (ValueError, RuntimeError) as error:
            raise DelegateError(f"{delegate}: will not compute {self._path.name} ({error})") from error

    def _give_up_delegate(self, error: Exception) -> None:
        import logging

        logging.getLogger(__name__).warning("%s; the processor computes %s instead", error, self._path.name)
        self.delegate = None

    def _interpreted(self, delegates: Sequence[Any] = ()) -> Any:
        try:
            from ai_edge_litert.interpreter import Interpreter, OpResolverType
        except ModuleNotFoundError as error:
            raise missing_package("ai-edge-litert") from error
        interpreter = Interpreter(
            model_content=self._content,
            num_threads=1,
            experimental_op_resolver_type=(
                OpResolverType.BUILTIN_REF if self._reference_kernels else OpResolverType.AUTO
            ),
            experimental_delegates=list(delegates),
        )
        interpreter.allocate_tensors()
        self._carried = [_begun(self._path, interpreter, state) for state in self._states]
        return interpreter


def _read(path: Path) -> bytes:
    try:
        return _once(path.read_bytes())
    except OSError as error:
        raise BundleError(f"{path}: cannot be read ({error.strerror}); give the path of a .tflite") from error


@lru_cache(maxsize=16)
def _once(content: bytes) -> bytes:
    """The same object for equal models, of which a server may run one for each client."""
    return content


def _begun(path: Path, interpreter: Any, state: State) -> tuple[int, int]:
    """Set a state's first value; returns the tensors that it enters and leaves by."""
    tensors = []
    for side, place in (
        (interpreter.get_input_details(), state.input),
        (interpreter.get_output_details(), state.output),
    ):
        found = side[place] if place < len(side) else None
        if found is None or tuple(found["shape"]) != state.initial.shape or found["dtype"] is not np.int8:
            raise BundleError(
                f"{path}: has no int8 {list(state.initial.shape)} at place {place}, where kws.states in its "
                "manifest has one; export the two files together"
            )
        tensors.append(int(found["index"]))
    interpreter.set_tensor(tensors[0], state.initial)
    return tensors[0], tensors[1]


def _outer_tensors(path: Path, interpreter: Any, states: int) -> tuple[dict[str, Any], dict[str, Any]]:
    sources, sinks = interpreter.get_input_details(), interpreter.get_output_details()
    if len(sources) != 1 + states or (len(sinks) != 1 and not states):
        raise BundleError(
            f"{path}: {len(sources)} inputs and {len(sinks)} outputs, expected one of each with the state "
            "inside the graph, or kws.states in its manifest; export it as a streaming model"
        )
    source, sink = sources[0], sinks[0]
    if source["dtype"] is not np.int8 or not _is_one_of_a_batch(source["shape"], 3):
        raise BundleError(
            f"{path}: input is {_described(source)}, expected int8 [1, stride, channels]; "
            "quantize it to int8 as a streaming model"
        )
    if sink["dtype"] is not np.uint8 or not _is_one_of_a_batch(sink["shape"], 2):
        raise BundleError(
            f"{path}: output is {_described(sink)}, expected uint8 [1, labels]; quantize its output to uint8"
        )
    return source, sink


def _is_one_of_a_batch(shape: npt.NDArray[np.int32], dimensions: int) -> bool:
    return len(shape) == dimensions and shape[0] == 1 and bool(np.all(shape > 0))


def _described(tensor: dict[str, Any]) -> str:
    return f"{np.dtype(tensor['dtype']).name} {[int(n) for n in tensor['shape']]}"
