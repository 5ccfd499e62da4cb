"""A .tflite as C sources with the two functions of a shared library, or the front end alone."""

from __future__ import annotations

from pathlib import Path

from firmware_export.c99 import export as c99
from firmware_export.c99 import text
from firmware_export.c99.lowering import lower
from firmware_export.c99.memory import plan
from firmware_export.c99.program import Program
from firmware_export.errors import ExportError
from firmware_export.graph import Graph, Tensor, read_graph
from firmware_export.native.identity import file_stem
from kws.detector import DetectorConfig
from kws.errors import KwsError
from kws.frontend import FrontendConfig

OURS = Path(__file__).parent / "sources"

WITHOUT = ("kws", "detector")
"""Hand-written sources that are left out: Python has a loop and a detector of its own."""


def sources(model: Path | None) -> dict[str, bytes]:
    """Path -> content of a project; without a model the front end alone. Raises ExportError."""
    graph = None if model is None else read_graph(model)
    program = Program() if graph is None else _lowered(graph, model)
    project = c99.Project(
        name=file_stem(model),
        labels=("",) * (1 if graph is None else _labels(graph)),
        program=program,
        arena_bytes=plan(program),
        detector=DetectorConfig(threshold=1.0),
        stride=1 if graph is None else _step_shape(graph)[0],
    )
    files = {path: content.encode() for path, content in c99.generated(project).items()}
    files["include/kws_shape.h"] = _shape(graph).encode()
    for folder, paths in ((c99.SOURCES, c99.hand_written()), (OURS, sorted(OURS.iterdir()))):
        wanted = (path for path in paths if path.suffix in (".c", ".h") and path.stem not in WITHOUT)
        files |= {str(path.relative_to(folder)): path.read_bytes() for path in wanted}
    files["include/kws.h"] = (c99.SOURCES / "include" / "kws.h").read_bytes()
    return {path: content for path, content in files.items() if not path.startswith("programs")}


def _lowered(graph: Graph, model: Path | None) -> Program:
    try:
        return lower(graph)
    except KwsError:
        raise
    except Exception as error:  # numbers of a damaged file that fit nothing
        raise ExportError(f"{model}: cannot be translated ({error}); is the file complete?") from error


def _shape(graph: Graph | None) -> str:
    rows, channels = (1, FrontendConfig().channels) if graph is None else _step_shape(graph)
    values: dict[str, int | str] = {"KWS_STEP_ROWS": rows, "KWS_STEP_CHANNELS": channels}
    for side, tensor in (("INPUT", graph and graph.input), ("OUTPUT", graph and graph.output)):
        values[f"KWS_{side}_SCALE"] = repr(tensor.scale[0]) if tensor and tensor.scale else "0.0"
        values[f"KWS_{side}_ZERO"] = tensor.zero_point if tensor else 0
    return f"{text.GENERATED}\n#ifndef KWS_SHAPE_H\n#define KWS_SHAPE_H\n\n{text.macros(values)}\n#endif\n"


def _step_shape(graph: Graph) -> tuple[int, int]:
    """Rows and channels of a step."""
    _check(graph.input, "int8", 3, "input", "int8 [1, stride, channels]")
    _, rows, channels = graph.input.shape
    return rows, channels


def _labels(graph: Graph) -> int:
    _check(graph.output, "uint8", 2, "output", "uint8 [1, labels]")
    return graph.output.shape[1]


def _check(tensor: Tensor, kind: str, dimensions: int, what: str, wanted: str) -> None:
    fits = tensor.type == kind and len(tensor.shape) == dimensions and tensor.shape[0] == 1
    if not fits or min(tensor.shape) < 1 or not tensor.scale:
        raise ExportError(f"{what}: found {tensor}, expected {wanted}; quantize it as a streaming model")
