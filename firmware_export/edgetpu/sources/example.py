"""Hear a recording, the state carried by hand.

python example.py NAME.json recording.wav [DELEGATE]    # prints the end and the probabilities of every step
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

ROW_SECONDS = FrontendConfig().row_seconds


def steps(
    model: Path, states: Sequence[dict[str, Any]], rows: Rows, delegates: Sequence[Any]
) -> Iterator[tuple[float, Any]]:
    """The network's answer to every `stride` rows."""
    interpreter = Interpreter(str(model), experimental_delegates=delegates)
    interpreter.allocate_tensors()
    sources, sinks = interpreter.get_input_details(), interpreter.get_output_details()
    inputs, outputs = [tensor["index"] for tensor in sources], [tensor["index"] for tensor in sinks]
    held = [np.array(one["initial"], np.int8).reshape(one["shape"]) for one in states]
    stride, (scale, _) = sources[0]["shape"][1], sinks[0]["quantization"]
    for start in range(0, len(rows) - stride + 1, stride):
        interpreter.set_tensor(inputs[0], rows[None, start : start + stride])
        for one, value in zip(states, held, strict=True):
            interpreter.set_tensor(inputs[one["input"]], value)
        interpreter.invoke()
        held = [interpreter.get_tensor(outputs[one["output"]]) for one in states]
        answer = interpreter.get_tensor(outputs[0])[0]
        yield (start + stride) * ROW_SECONDS, answer * scale


def main(manifest: str, recording: str, delegate: str = "") -> None:
    """Print the probabilities."""
    known = json.loads(Path(manifest).read_text(encoding="utf-8"))
    model = Path(manifest).with_name(known["model"])
    rows = Frontend().push(read_samples(Path(recording)))
    delegates = [load_delegate(delegate)] if delegate else []
    for seconds, answer in steps(model, known["kws"]["states"], rows, delegates):
        print(f"{seconds:.2f}", *(f"{probability:.4f}" for probability in answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
