"""What a streaming graph says of audio: a step for every so many rows of a front end."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from kws.encoders.logmel import LogMel
from kws.types import Samples, Stage

Answers = npt.NDArray[Any]
"""Shape (steps, values), float32 or int8 as the graph has it."""


class GraphStage:
    """A streaming Stage: int16 samples, shape (n,) -> Answers.

    Args:
        graph: as `kws.encoders.streaming.streaming_model` writes it.
        front_end: int16 samples -> rows of the graph's input; log-mel rows unless given.
    """

    _is_new: bool  # nothing was heard since the interpreter was made

    def __init__(self, graph: bytes, front_end: Stage[Samples, Any] | None = None) -> None:
        self._graph = graph
        self._open()
        (source,), (sink,) = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._input, self._output = source["index"], sink["index"]
        self._step_shape: tuple[int, int] = tuple(source["shape"][1:])
        self._front_end: Stage[Samples, Any] = front_end or LogMel(self._step_shape[0])
        self._none = np.empty((0, sink["shape"][1]), sink["dtype"])
        self._no_rows = np.empty((0, self._step_shape[1]), source["dtype"])
        self._rows = self._no_rows  # short of a step
        self.scale, self.zero_point = sink["quantization"]

    def push(self, samples: Samples) -> Answers:
        """Steps completed by these samples; ValueError unless int16 of one dimension."""
        self._rows = np.concatenate([self._rows, self._front_end.push(samples)])
        whole = len(self._rows) - len(self._rows) % self._step_shape[0]
        steps, self._rows = self._rows[:whole].reshape(-1, *self._step_shape), self._rows[whole:]
        found = np.empty((len(steps), *self._none.shape[1:]), self._none.dtype)
        self._is_new = self._is_new and not whole
        for index, step in enumerate(steps):
            self._interpreter.set_tensor(self._input, step[None])
            self._interpreter.invoke()
            found[index] = self._interpreter.get_tensor(self._output)[0]
        return found

    def flush(self) -> Answers:
        """Nothing: samples short of a step are not heard."""
        return self._none

    def reset(self) -> None:
        """As new; costs one to two milliseconds, as only a new interpreter starts from the initial state, or
        nothing where this one has heard nothing."""
        if not self._is_new:
            self._open()
        self._front_end.reset()
        self._rows = self._no_rows

    def _open(self) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter: Any = None  # first, so that there are never two
        self._interpreter = Interpreter(model_content=self._graph, num_threads=1)
        self._interpreter.allocate_tensors()
        self._is_new = True
