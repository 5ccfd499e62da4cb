"""Hear a recording, the state carried by hand.

python example.py recording.wav [MODEL.tflite [DELEGATE]]    # prints the end and the score of every step
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, load_delegate

from kws.frontend import Frontend, FrontendConfig
from kws.sources.whole import read_samples
from kws.types import Rows

HERE = Path(__file__).parent
ROW_SECONDS = FrontendConfig().row_seconds


def steps(
    model: Path | str, state: dict[str, Any], rows: Rows, delegates: Sequence[Any]
) -> Iterator[tuple[float, Any]]:
    """The network's answer to every `stride` rows."""
    interpreter = Interpreter(str(model), experimental_delegates=delegates)
    interpreter.allocate_tensors()
    inputs = [tensor["index"] for tensor in interpreter.get_input_details()]
    outputs = [tensor["index"] for tensor in interpreter.get_output_details()]
    held = [np.array(one["initial"], one["type"]).reshape(one["shape"]) for one in state["states"]]
    stride = state["input"]["shape"][1]
    for start in range(0, len(rows) - stride + 1, stride):
        interpreter.set_tensor(inputs[0], rows[None, start : start + stride])
        for one, value in zip(state["states"], held, strict=True):
            interpreter.set_tensor(inputs[one["input"]], value)
        interpreter.invoke()
        held = [interpreter.get_tensor(outputs[one["output"]]) for one in state["states"]]
        answer = interpreter.get_tensor(outputs[0])[0]
        yield (start + stride) * ROW_SECONDS, answer * state["output"]["scale"]


def main(recording: str, model: Path | str = HERE / "model.tflite", delegate: str = "") -> None:
    """Print the scores."""
    state = json.loads((HERE / "state.json").read_text())
    rows = Frontend().push(read_samples(Path(recording)))
    for seconds, scores in steps(model, state, rows, [load_delegate(delegate)] if delegate else []):
        print(f"{seconds:.2f}", *(f"{score:.4f}" for score in scores))


if __name__ == "__main__":
    main(*sys.argv[1:])
