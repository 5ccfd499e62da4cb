"""A bundle for TensorFlow Lite Micro: C array, resolver with the model's operators alone, measured arena."""

from __future__ import annotations

from pathlib import Path

from firmware_export.boards import Board, check_fit
from firmware_export.c99 import export as c99
from firmware_export.c99 import text
from firmware_export.errors import ExportError
from firmware_export.graph import Graph, read_graph
from firmware_export.output import Report, write_files
from kws.bundle import Bundle

SOURCES = Path(__file__).parent / "tflm_sources"

RESOLVER_METHODS = {
    "ADD": "AddAdd",
    "ASSIGN_VARIABLE": "AddAssignVariable",
    "AVERAGE_POOL_2D": "AddAveragePool2D",
    "CALL_ONCE": "AddCallOnce",
    "CONCATENATION": "AddConcatenation",
    "CONV_2D": "AddConv2D",
    "DEPTHWISE_CONV_2D": "AddDepthwiseConv2D",
    "DEQUANTIZE": "AddDequantize",
    "EXPAND_DIMS": "AddExpandDims",
    "FULLY_CONNECTED": "AddFullyConnected",
    "LEAKY_RELU": "AddLeakyRelu",
    "LOGISTIC": "AddLogistic",
    "MAXIMUM": "AddMaximum",
    "MAX_POOL_2D": "AddMaxPool2D",
    "MEAN": "AddMean",
    "MINIMUM": "AddMinimum",
    "MUL": "AddMul",
    "PACK": "AddPack",
    "PAD": "AddPad",
    "QUANTIZE": "AddQuantize",
    "READ_VARIABLE": "AddReadVariable",
    "RELU": "AddRelu",
    "RELU6": "AddRelu6",
    "RESHAPE": "AddReshape",
    "SOFTMAX": "AddSoftmax",
    "SPLIT": "AddSplit",
    "SPLIT_V": "AddSplitV",
    "SQUEEZE": "AddSqueeze",
    "STRIDED_SLICE": "AddStridedSlice",
    "SUB": "AddSub",
    "TANH": "AddTanh",
    "TRANSPOSE": "AddTranspose",
    "UNPACK": "AddUnpack",
    "VAR_HANDLE": "AddVarHandle",
}
"""Operator -> method of tflite::MicroMutableOpResolver."""

FRONT_END = ("fft", "frontend", "log_scale", "mel", "noise", "pcan", "window", "detector")
"""C sources that stand around the interpreter, the same as in a C99 export."""
HEADERS = ("include/kws.h", "src/frontend.h", "src/detector.h", "src/fixed_point.h", "src/point.h")


def export(bundle: Bundle, directory: Path, board: Board | None, arena: int) -> Report:
    """Everything but the interpreter itself; raises BundleError or ExportError before anything is written."""
    project = c99.without_model(bundle)
    graph = read_graph(bundle.model_path)
    content = bundle.model_path.read_bytes()
    resolver = _resolver(graph)
    if board:
        check_fit(board, graph, flash=c99.CODE_BYTES + len(content), ram=arena + project.sizes["KWS_SIZE"])
    generated = c99.generated(project)
    files = {
        "model_data.h": text.bytes_header("kws_model_data", len(content)).encode(),
        "model_data.cc": text.bytes_source("kws_model_data", content).encode(),
        "resolver.h": resolver.encode(),
        "arena.h": _arena(graph, arena).encode(),
        "front_end/kws_config.h": generated["include/kws_config.h"].encode(),
        "front_end/kws_frontend_tables.c": generated["generated/kws_frontend_tables.c"].encode(),
        "example/main.cc": (SOURCES / "main.cc").read_bytes(),
        "README.md": (SOURCES / "README.md").read_bytes(),
    }
    for name in (*HEADERS, *(f"src/{stem}.c" for stem in FRONT_END)):
        path = c99.SOURCES / name
        files[f"front_end/{path.name}"] = path.read_bytes()
    facts = {"arena_bytes": arena, "model_bytes": len(content), "operators": len(graph.op_names)}
    return write_files(directory, "tflm", bundle, files, facts)


def _resolver(graph: Graph) -> str:
    unknown = [name for name in graph.op_names if name not in RESOLVER_METHODS]
    if unknown:
        op = next((op for op in graph.ops if op.name in unknown), unknown[0])
        raise ExportError(
            f"{op}: TensorFlow Lite Micro's resolver has no method known for it; use other operators"
        )
    lines = [f"  TF_LITE_ENSURE_STATUS(resolver.{RESOLVER_METHODS[name]}());" for name in graph.op_names]
    body = "\n".join(lines)
    return (
        f"{text.GENERATED}\n#ifndef KWS_RESOLVER_H\n#define KWS_RESOLVER_H\n\n"
        '#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"\n\n'
        f"using KwsResolver = tflite::MicroMutableOpResolver<{len(lines)}>;\n\n"
        "// Every operator of the model and no other, so that the linker leaves the rest out.\n"
        f"inline TfLiteStatus RegisterKwsOps(KwsResolver& resolver) {{\n{body}\n  return kTfLiteOk;\n}}\n\n"
        "#endif\n"
    )


def _arena(graph: Graph, arena: int) -> str:
    values: dict[str, int | str] = {
        "KWS_TENSOR_ARENA_BYTES": arena,
        "KWS_RESOURCE_VARIABLES": len(set(graph.variables.values())),
    }
    return (
        f"{text.GENERATED}\n// Measured where pointers have 8 bytes; with 4 the interpreter needs less.\n"
        f"#ifndef KWS_ARENA_H\n#define KWS_ARENA_H\n\n{text.macros(values)}\n#endif\n"
    )
