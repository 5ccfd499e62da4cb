"""The .tflite reader of the exporter against LiteRT's own schema: numbers of fields, and whole models."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from inspect import getsource
from pathlib import Path
from typing import Any

import community
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as litert
from random_graphs import RandomGraph

import kws
from firmware_export import schema
from firmware_export.errors import ExportError
from firmware_export.graph import Graph, Tensor, read_graph
from kws.bundle import find_bundle

MODELS = [*kws.bundled_names(), *(str(community.manifest(name)) for name in ("alexa", "okay_nabu"))]

TABLES = {
    "Model": schema.Model,
    "OperatorCode": schema.OperatorCode,
    "SubGraph": schema.SubGraph,
    "Tensor": schema.Tensor,
    "QuantizationParameters": schema.Quantization,
}
OPTIONS_OF = {
    "ADD": "AddOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "CALL_ONCE": "CallOnceOptions",
    "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "FULLY_CONNECTED": "FullyConnectedOptions",
    "LEAKY_RELU": "LeakyReluOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "MUL": "MulOptions",
    "PACK": "PackOptions",
    "STRIDED_SLICE": "StridedSliceOptions",
    "SUB": "SubOptions",
    "VAR_HANDLE": "VarHandleOptions",
}


@functools.cache
def slots() -> dict[str, dict[str, int]]:
    """Table -> field -> number, read from the functions that write them."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    pattern = r"^def (\w+?)Add([A-Z]\w*)\(builder.*\n.*Slot\((\d+)"
    for table, field, number in re.findall(pattern, getsource(litert), re.MULTILINE):
        found[table][field] = int(number)
    return found


def fields(table: str) -> dict[str, int]:
    return slots()[table]


def values(enumeration: type) -> dict[str, int]:
    return {name: value for name, value in vars(enumeration).items() if isinstance(value, int)}


@pytest.mark.parametrize("table", TABLES)
def test_fields_are_those_of_the_schema(table):
    known = fields(table)
    for field in TABLES[table]:
        assert known[field.name.title().replace("_", "")] == field.value


@pytest.mark.parametrize("operator", schema.OPTIONS)
def test_options_are_those_of_the_schema(operator):
    known, fresh = fields(OPTIONS_OF[operator]), vars(getattr(litert, f"{OPTIONS_OF[operator]}T")())
    for name, (field, form, default) in schema.OPTIONS[operator].items():
        assert known[name[0].upper() + name[1:]] == field
        assert form == schema.STRING or fresh[name] == default


def test_operators_and_types_are_those_of_the_schema():
    assert values(litert.BuiltinOperator) == {name: i for i, name in enumerate(schema.OPERATORS)}
    known = values(litert.TensorType)
    assert {name: known[name.upper()] for name in schema.TYPES} == {n: i for i, n in enumerate(schema.TYPES)}


def litert_model(content: bytes) -> Any:
    return litert.ModelT.InitFromObj(litert.Model.GetRootAs(content, 0))


def assert_same(found: Graph, model: Any) -> None:
    """Operators with their options, and tensors with their constants."""
    kept = [
        op for op in model.subgraphs[0].operators if name_of(model, op) not in ("VAR_HANDLE", "CALL_ONCE")
    ]
    assert [op.name for op in found.ops] == [name_of(model, op) for op in kept]
    for ours, theirs in zip(found.ops, kept, strict=True):
        assert [-1 if t is None else t.index for t in ours.inputs] == list(theirs.inputs)
        assert ours.options.items() <= (vars(theirs.builtinOptions) if theirs.builtinOptions else {}).items()
        for tensor in (*ours.inputs, *ours.outputs):
            if tensor is not None:
                assert_same_tensor(tensor, model.subgraphs[0].tensors[tensor.index], model.buffers)


def assert_same_tensor(ours: Tensor, theirs: Any, buffers: Any) -> None:
    assert (ours.name.encode(), list(ours.shape)) == (
        theirs.name,
        [] if theirs.shape is None else list(theirs.shape),
    )
    if theirs.quantization is not None and theirs.quantization.scale is not None:
        np.testing.assert_array_equal(np.float32(ours.scale), theirs.quantization.scale)
        assert ours.zero_point == theirs.quantization.zeroPoint[0]
    data = buffers[theirs.buffer].data
    stored = b"" if data is None else bytes(data)
    assert (b"" if ours.values is None else ours.values.tobytes()) == stored


def name_of(model: Any, op: Any) -> str:
    code = model.operatorCodes[op.opcodeIndex]
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return next(name for name, value in values(litert.BuiltinOperator).items() if value == number)


@pytest.mark.parametrize("name", MODELS, ids=lambda name: Path(name).stem)
def test_models_are_read_as_litert_reads_them(name):
    path = find_bundle(name).model_path
    assert_same(read_graph(path), litert_model(path.read_bytes()))


@pytest.mark.parametrize("seed", range(4))
def test_random_graphs_are_read_as_litert_reads_them(seed, tmp_path):
    path = tmp_path / "random.tflite"
    path.write_bytes(RandomGraph(seed).tflite())
    assert_same(read_graph(path), litert_model(path.read_bytes()))


def test_a_damaged_file_is_refused_wherever_it_ends(tmp_path):
    whole = find_bundle("computer").model_path.read_bytes()
    path = tmp_path / "cut.tflite"
    for length in (0, 3, 8, 40, 1000, 50_000, len(whole) - 20_000):
        path.write_bytes(whole[:length])
        with pytest.raises(ExportError, match=r"not a \.tflite file"):
            read_graph(path)
