"""A bundle for ESPHome's micro_wake_word: .tflite, the manifest it accepts, and the YAML that names them.

ESPHome takes exactly the keys of its version 2 manifest and refuses others, so what kws adds stays behind.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from firmware_export.boards import Board, check_fit
from firmware_export.errors import ExportError
from firmware_export.graph import Graph, read_graph
from firmware_export.output import Report, write_files
from kws.bundle import Bundle
from kws.frontend import FrontendConfig

OPERATORS = frozenset(
    {
        "ADD",
        "ASSIGN_VARIABLE",
        "AVERAGE_POOL_2D",
        "CALL_ONCE",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "FULLY_CONNECTED",
        "LOGISTIC",
        "MAX_POOL_2D",
        "MEAN",
        "MUL",
        "PACK",
        "PAD",
        "QUANTIZE",
        "READ_VARIABLE",
        "RESHAPE",
        "SPLIT_V",
        "STRIDED_SLICE",
        "VAR_HANDLE",
    }
)
"""What its resolver registers."""

MOST_VARIABLES = 20
"""Resource variables it makes room for, in an arena of 1024 bytes; their contents lie in the tensor arena."""

MINIMUM_VERSION = "2024.7.0"
"""The first ESPHome with version 2 manifests."""

FIRMWARE_BYTES = 700_000
"""What an ESPHome firmware with Wi-Fi and a microphone takes of the flash without a model, rounded up."""

_KEYS = {
    "type": str,
    "wake_word": str,
    "author": str,
    "model": str,
    "trained_languages": list,
    "version": int,
    "micro": dict,
}
_OPTIONAL = {"website": str}
_MICRO_KEYS = {
    "feature_step_size": int,
    "tensor_arena_size": int,
    "probability_cutoff": (float, int),
    "sliding_window_size": int,
    "minimum_esphome_version": str,
}


def export(bundle: Bundle, directory: Path, board: Board | None, arena: int) -> Report:
    """Raises BundleError or ExportError before anything is written."""
    bundle.open_model()
    graph = read_graph(bundle.model_path)
    check_graph(graph)
    content = bundle.model_path.read_bytes()
    if board:
        check_fit(board, graph, flash=FIRMWARE_BYTES + len(content), ram=arena)
    manifest = _manifest(bundle, arena)
    check_manifest(manifest)
    files = {
        f"{bundle.name}.tflite": content,
        f"{bundle.name}.json": f"{json.dumps(manifest, indent=2, ensure_ascii=False)}\n".encode(),
        f"{bundle.name}.yaml": _yaml(bundle).encode(),
    }
    facts = {"arena_bytes": arena, "model_bytes": len(content), "variables": _variables(graph)}
    return write_files(directory, "esphome", bundle, files, facts)


def check_graph(graph: Graph) -> None:
    """Raises ExportError for a model that ESPHome's interpreter would not load."""
    for name in graph.op_names:
        if name not in OPERATORS:
            op = next((op for op in graph.ops if op.name == name), name)
            raise ExportError(f"{op}: ESPHome has no {name}; it has {', '.join(sorted(OPERATORS))}")
    if graph.output.size != 1:
        raise ExportError(
            f"{graph.output}: ESPHome takes one output, the probability; export one label per model"
        )
    if _variables(graph) > MOST_VARIABLES:
        raise ExportError(
            f"{_variables(graph)} resource variables, ESPHome has room for {MOST_VARIABLES}; join some states"
        )


def check_manifest(manifest: dict[str, Any]) -> None:
    """ESPHome's own rules for version 2; raises ExportError naming the key."""
    _check_keys(manifest, _KEYS, _OPTIONAL, "")
    micro = manifest["micro"]
    _check_keys(micro, _MICRO_KEYS, {}, "micro.")
    website = manifest.get("website", "https://")
    for key, allowed in {
        "type": manifest["type"] == "micro",
        "version": manifest["version"] == 2,
        "website": website.startswith(("http://", "https://")),
        "trained_languages": all(isinstance(language, str) for language in manifest["trained_languages"]),
        "micro.feature_step_size": 0 <= micro["feature_step_size"] <= 30,
        "micro.probability_cutoff": 0 <= micro["probability_cutoff"] <= 1,
        "micro.sliding_window_size": micro["sliding_window_size"] > 0,
        "micro.minimum_esphome_version": _is_version(micro["minimum_esphome_version"]),
    }.items():
        if not allowed:
            raise ExportError(
                f"manifest: ESPHome does not take this value of {key}; correct it in the bundle"
            )


def _check_keys(
    found: dict[str, Any], required: dict[str, Any], optional: dict[str, Any], prefix: str
) -> None:
    for key in found:
        if key not in required and key not in optional:
            raise ExportError(f"manifest: ESPHome refuses the key {prefix}{key}; leave it out")
    for key, kind in {**required, **optional}.items():
        if key not in found and key in optional:
            continue
        if key not in found:
            raise ExportError(f"manifest: ESPHome needs the key {prefix}{key}; add it to the bundle")
        if not isinstance(found[key], kind) or isinstance(found[key], bool):
            raise ExportError(f"manifest: {prefix}{key} has a type that ESPHome does not take; correct it")


def _is_version(version: str) -> bool:
    numbers = version.split(".")
    return len(numbers) == 3 and all(number[:1].isdigit() for number in numbers)


def _manifest(bundle: Bundle, arena: int) -> dict[str, Any]:
    ours = {key: value for key, value in bundle.manifest.items() if key in _KEYS or key in _OPTIONAL}
    if not ours.get("website"):
        ours.pop("website", None)
    micro = {
        "probability_cutoff": bundle.threshold,
        "feature_step_size": round(1000 * FrontendConfig().row_seconds),
        "sliding_window_size": bundle.window,
        "tensor_arena_size": arena,
        "minimum_esphome_version": bundle.manifest["micro"].get("minimum_esphome_version", MINIMUM_VERSION),
    }
    return {**ours, "model": f"{bundle.name}.tflite", "micro": micro}


def _variables(graph: Graph) -> int:
    return len(set(graph.variables.values()))


def _yaml(bundle: Bundle) -> str:
    return (
        f"# Put {bundle.name}.json and {bundle.name}.tflite beside your configuration and add this to it;\n"
        "# it needs an ESP32 with a microphone of 16 kHz, 16 bits, one channel.\n"
        "micro_wake_word:\n"
        "  models:\n"
        f"    - model: {bundle.name}.json\n"
        "  on_wake_word_detected:\n"
        "    then:\n"
        "      - logger.log:\n"
        '          format: "Heard %s"\n'
        "          args: [wake_word.c_str()]\n"
    )
