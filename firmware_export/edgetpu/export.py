"""A bundle for the Edge TPU: what `edgetpu_compiler` takes, and what the caller must carry."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from firmware_export.edgetpu.fitting import fit
from firmware_export.edgetpu.model import read, written
from firmware_export.edgetpu.operators import LIMITS, Placement, placements
from firmware_export.edgetpu.states import State, carry_states
from firmware_export.errors import ExportError
from firmware_export.graph import read_graph, read_operators
from firmware_export.output import Report, write_files
from kws.bundle import Bundle
from kws.manifest import FORMAT

SOURCES = Path(__file__).parent / "sources"


def export(bundle: Bundle, directory: Path) -> Report:
    """Raises BundleError or ExportError before anything is written."""
    bundle.open_model()
    read_graph(bundle.model_path)  # refuses what is not of the form kws runs
    content, states = rewritten(bundle.model_path.read_bytes())
    placed = placements(read_operators(content))
    _check(placed)
    manifest = json.dumps(_manifest(bundle, states), indent=1, ensure_ascii=False)
    files = {
        f"{bundle.name}.tflite": content,
        f"{bundle.name}.json": f"{manifest}\n".encode(),
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


def _manifest(bundle: Bundle, states: Sequence[State]) -> dict[str, Any]:
    """A bundle that kws runs, without a checksum: the compiler's file takes the place of this one."""
    known = {key: value for key, value in bundle.manifest.get("kws", {}).items() if key != "model_sha256"}
    ours = {
        "format": FORMAT,
        "frontend": bundle.rows.digest,
        **known,
        "labels": list(bundle.labels),
        "states": [_described(state) for state in states],
    }
    return {**bundle.manifest, "model": f"{bundle.name}.tflite", "kws": ours}


def _described(state: State) -> dict[str, Any]:
    return {
        "name": state.name,
        "input": state.input,
        "output": state.output,
        "shape": list(state.initial.shape),
        "scale": state.scale,
        "zero_point": state.zero_point,
        "initial": state.initial.ravel().tolist(),
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
