"""What is exported for TensorFlow Lite Micro, in its own interpreter."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import community
import microcontroller
import numpy as np
import pytest
from tflite_builder import GraphBuilder

from firmware_export import arena, tflm
from firmware_export.c99.bytewise import TABLE
from firmware_export.c99.lowering import RULES
from firmware_export.errors import ExportError
from firmware_export.graph import read_graph
from firmware_export.output import Report
from kws.bundle import find_bundle

ALEXA = community.manifest("alexa")


@pytest.fixture(scope="module")
def measured() -> int:
    microcontroller.interpreter(community.tflite("alexa").read_bytes())
    return arena.measured(community.tflite("alexa"))


@pytest.fixture(scope="module")
def written(measured: int, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return tflm.export(find_bundle(ALEXA), tmp_path_factory.mktemp("tflm") / "made", None, measured)


def content_of_array(directory: Path) -> bytes:
    text = (directory / "model_data.cc").read_text(encoding="utf-8")
    return bytes(map(int, re.findall(r"\d+", text[text.index("= {") :])))


def test_the_array_is_the_model_and_runs_in_the_arena(written, measured):
    model = content_of_array(written.directory)
    assert model == community.tflite("alexa").read_bytes()
    rows = np.random.default_rng(5).integers(-128, 128, (60, 40)).astype(np.int8)
    interpreter = microcontroller.interpreter(model, measured)
    interpreter.set_input(rows[None, :3], 0)
    interpreter.invoke()
    assert interpreter.get_output(0).shape == (1, 1)


def test_less_than_the_arena_is_too_little(measured):
    assert arena._complaint(community.tflite("alexa"), measured) == ""
    assert arena._complaint(community.tflite("alexa"), measured - arena.GRAIN) != ""


def test_the_resolver_has_the_models_operators_and_no_other(written):
    text = (written.directory / "resolver.h").read_text(encoding="utf-8")
    names = {method: op for op, method in tflm.RESOLVER_METHODS.items()}
    registered = [names[method] for method in re.findall(r"resolver\.(\w+)\(\)", text)]
    assert sorted(registered) == sorted(read_graph(community.tflite("alexa")).op_names)
    assert f"MicroMutableOpResolver<{len(registered)}>" in text


def test_every_operator_of_the_c99_export_has_a_resolver_method():
    assert set(RULES) - {TABLE} <= set(tflm.RESOLVER_METHODS)


def test_each_method_bears_its_operators_name():
    def plain(name: str) -> str:
        return name.replace("_", "").lower()

    assert {op: plain(method) for op, method in tflm.RESOLVER_METHODS.items()} == {
        op: f"add{plain(op)}" for op in tflm.RESOLVER_METHODS
    }


@pytest.fixture
def headers(tmp_path: Path) -> Path:
    """As much of TensorFlow Lite Micro's interface as the example uses, to check that it compiles."""
    root = tmp_path / "headers" / "tensorflow" / "lite"
    (root / "micro").mkdir(parents=True)
    (root / "schema").mkdir()
    declarations = """#pragma once
#include <cstddef>
#include <cstdint>
enum TfLiteStatus { kTfLiteOk, kTfLiteError };
#define TF_LITE_ENSURE_STATUS(a) do { if ((a) != kTfLiteOk) return kTfLiteError; } while (0)
struct TfLiteTensor { union { std::int8_t* int8; std::uint8_t* uint8; } data; };
namespace tflite {
struct Model;
const Model* GetModel(const void*);
struct MicroAllocator { static MicroAllocator* Create(std::uint8_t*, std::size_t); };
struct MicroResourceVariables { static MicroResourceVariables* Create(MicroAllocator*, int); };
struct MicroOpResolver {};
struct MicroInterpreter {
  MicroInterpreter(const Model*, const MicroOpResolver&, std::uint8_t*, std::size_t, MicroResourceVariables*);
  TfLiteStatus AllocateTensors(), Invoke();
  TfLiteTensor *input(std::size_t), *output(std::size_t);
};
template <unsigned int count> struct MicroMutableOpResolver : MicroOpResolver {
METHODS
};
}
"""
    methods = "\n".join(f"  TfLiteStatus {name}();" for name in tflm.RESOLVER_METHODS.values())
    (root / "declared.h").write_text(declarations.replace("METHODS", methods))
    for name in (
        "micro/micro_mutable_op_resolver.h",
        "micro/micro_allocator.h",
        "micro/micro_interpreter.h",
        "micro/micro_resource_variable.h",
        "schema/schema_generated.h",
    ):
        (root / name).write_text('#include "tensorflow/lite/declared.h"\n')
    return tmp_path / "headers"


@pytest.mark.debian("g++")
def test_the_example_compiles(written, headers):
    made = written.directory
    includes = [f"-I{path}" for path in (headers, made, made / "front_end")]
    for source in ("example/main.cc", "model_data.cc"):
        command = ["g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", *includes, source]
        subprocess.run(command, cwd=made, check=True)
    for source in sorted((made / "front_end").glob("*.c")):
        subprocess.run(
            ["gcc", "-std=c99", "-Wall", "-Werror", "-fsyntax-only", *includes, source], check=True
        )


def test_an_operator_without_a_method_is_refused_by_name(tmp_path):
    graph = GraphBuilder()
    source = graph.tensor("int8", (1, 1, 40), 0.10196078568696976, -128)
    made = graph.tensor("int8", (1, 1, 40), 0.1, 0)
    graph.op("ELU", [source], [made])
    model = tmp_path / "elu.tflite"
    model.write_bytes(graph.tflite([source], [made]))
    with pytest.raises(ExportError, match=r"ELU that makes tensor 1 't1' .* no method"):
        tflm._resolver(read_graph(model))


def test_without_the_interpreter_the_remedy_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ExportError, match=r"pip install tflite-micro .* --arena BYTES"):
        arena.measured(community.tflite("alexa"))


def test_a_model_that_the_interpreter_cannot_run_is_refused(tmp_path):
    microcontroller.interpreter(community.tflite("alexa").read_bytes())
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(community.tflite("alexa").read_bytes()[:2000] + bytes(50_000))
    with pytest.raises(ExportError, match="tflite-micro cannot run it"):
        arena.measured(broken)


def test_a_bundle_that_was_exported_can_be_exported_again(written, measured):
    copy = find_bundle(written.directory / "model")
    assert copy.threshold == find_bundle(ALEXA).threshold
    assert tflm.export(copy, written.directory, None, measured).facts == written.facts
