"""A bundle for the Edge TPU: what `edgetpu_compiler` takes, and what the caller must carry."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from firmware_export.boards import Board
from firmware_export.edgetpu.fitting import fit
from firmware_export.edgetpu.model import read, written
from firmware_export.edgetpu.operators import LIMITS, Placement, placements
from firmware_export.edgetpu.states import State, carry_states
from firmware_export.errors import ExportError
from firmware_export.graph import Graph, Tensor, read_graph, read_operators
from firmware_export.output import Report, write_files
from kws.bundle import Bundle

SOURCES = Path(__file__).parent / "sources"


def export(bundle: Bundle, directory: Path, board: Board | None) -> Report:
    """Raises BundleError or ExportError before anything is written."""
    if board:
        raise ExportError(f"--board {board.name}: an Edge TPU stands beside a whole computer; leave it away")
    bundle.open_model()
    graph = read_graph(bundle.model_path)
    content, states = rewritten(bundle.model_path.read_bytes())
    placed = placements(read_operators(content))
    _check(placed)
    state = json.dumps(_description(graph, states), indent=1)
    files = {
        "model.tflite": content,
        "state.json": f"{state}\n".encode(),
        "operators.txt": _report(placed).encode(),
        **{path.name: path.read_bytes() for path in sorted(SOURCES.iterdir()) if path.is_file()},
    }
    facts = {
        "model_bytes": len(content),
        "states": len(states),
        "operators": len(placed),
        "operators_on_the_edge_tpu": sum(not one.reason for one in placed),
    }
    return write_files(directory, "edgetpu", bundle, files, facts)


def rewritten(content: bytes) -> tuple[bytes, list[State]]:
    """A file whose state is inputs and outputs, made to fit; raises ExportError."""
    model = read(content)
    states = carry_states(model)
    fit(model)
    return written(model), states


def _check(placed: Sequence[Placement]) -> None:
    first = placed[0]
    if first.reason:
        raise ExportError(
            f"{first.op}: {first.reason}, and so nothing would run on the Edge TPU; "
            f"begin the model with {', '.join(sorted(LIMITS))}"
        )


def _description(graph: Graph, states: Sequence[State]) -> dict[str, Any]:
    return {
        "input": _tensor(graph.input),
        "output": _tensor(graph.output),
        "states": [
            {
                "name": state.name,
                "input": state.input,
                "output": state.output,
                "type": str(state.initial.dtype),
                "shape": list(state.initial.shape),
                "scale": state.scale,
                "zero_point": state.zero_point,
                "initial": state.initial.ravel().tolist(),
            }
            for state in states
        ],
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {
        "type": tensor.type,
        "shape": list(tensor.shape),
        "scale": tensor.scale[0],
        "zero_point": tensor.zero_point,
    }


def _report(placed: Sequence[Placement]) -> str:
    """How many of each kind run where, then each operator that stays on the processor."""
    counts = Counter((one.op.name, not one.reason) for one in placed)
    lines = [
        "By Coral's documentation (coral.ai/docs/edgetpu/models-intro, compiler 16);",
        "the compiler has the last word.",
        "",
        *(
            f"{name:24}{count:4}  {'Edge TPU' if mapped else 'processor'}"
            for (name, mapped), count in sorted(counts.items())
        ),
    ]
    left = [f"{one.op}: {one.reason}" for one in placed if one.reason]
    return "\n".join([*lines, *(["", *left] if left else [])]) + "\n"
