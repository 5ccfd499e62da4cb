"""The Edge TPU's export: state carried by the caller gives the same bits; what stays on the processor."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import community
import exported
import microcontroller
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from carried import by_hand, inside
from random_states import CHANNELS, STRIDE, RandomStates
from test_firmware_export import one_op, refused
from tflite_builder import GraphBuilder

from firmware_export.edgetpu.export import rewritten
from firmware_export.edgetpu.model import read, written
from firmware_export.edgetpu.operators import AFTER, limitation, placements
from firmware_export.edgetpu.states import carry_states
from firmware_export.errors import ExportError
from firmware_export.graph import Op, read_operators
from kws.bundle import bundled_names, find_bundle
from kws.cli import main
from kws.encoders.graph import Graph, Scale
from kws.errors import BundleError
from kws.frontend import Frontend
from kws.recognition.bundle import bundled_recognizers, find_recognizer
from kws.selftest import bundled_recordings
from kws.sources.whole import read_samples

WAKE_WORDS = {name: find_bundle(name).model_path for name in bundled_names()}
COMMUNITY = {f"{name} (community)": community.tflite(name) for name in community.NAMES}
RECOGNIZERS = {name: find_recognizer(name).model_path for name in bundled_recognizers()}
EVERY = {**WAKE_WORDS, **COMMUNITY, **RECOGNIZERS}

by_kernels = pytest.mark.parametrize("kernels", ["default", "reference"])


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """A recording's, then random ones."""
    heard = Frontend().push(read_samples(bundled_recordings()[0].audio))
    noise = np.random.default_rng(1).integers(-128, 128, (300, 40)).astype(np.int8)
    return np.concatenate([heard[:600], noise])


def rows_for(content: bytes, rows: np.ndarray) -> np.ndarray:
    """These, or random ones for a model that hears through an encoder of its own."""
    channels = int(Interpreter(model_content=content).get_input_details()[0]["shape"][-1])
    if channels == rows.shape[1]:
        return rows
    return np.random.default_rng(2).integers(-128, 128, (300, channels)).astype(np.int8)


@by_kernels
@pytest.mark.parametrize("name", EVERY)
def test_state_carried_by_hand_gives_the_same_bits(name, kernels, rows):
    content = EVERY[name].read_bytes()
    model = read(content)
    states = carry_states(model)
    given = rows_for(content, rows)
    expected = inside(content, given, kernels)
    np.testing.assert_array_equal(by_hand(written(model), states, given, kernels), expected)
    assert len(states) >= 3


@by_kernels
@pytest.mark.parametrize("seed", range(12))
def test_random_graphs_with_states_give_the_same_bits(seed, kernels):
    content = RandomStates(seed).tflite()
    rows = np.random.default_rng(seed).integers(-128, 128, (40 * STRIDE, CHANNELS)).astype(np.int8)
    model = read(content)
    states = carry_states(model)
    expected = inside(content, rows, kernels)
    np.testing.assert_array_equal(by_hand(written(model), states, rows, kernels), expected)


def test_a_variable_that_is_read_again_has_what_was_assigned():
    graph = Graph()
    rows = graph.input((1, STRIDE, CHANNELS), Scale([0.1]))
    handle, before = graph.state(np.full((1, STRIDE, CHANNELS), 7, np.int8), Scale([0.1]))
    graph.assign(handle, rows)
    graph._main.operators.append(graph._at_end.pop())
    after = graph._tensor(graph._main, before.shape, before.dtype, before.scale)
    graph._main.operators.append(graph._operator("READ_VARIABLE", [handle], [after]))
    joined = graph.reshape(graph.concatenate([before, after], 1), (1, 2 * STRIDE * CHANNELS))
    graph.output(graph.quantize(joined, Scale([0.1], 128), np.uint8))
    content = graph.tflite()
    given = np.random.default_rng(0).integers(-128, 128, (10 * STRIDE, CHANNELS)).astype(np.int8)
    model = read(content)
    states = carry_states(model)
    np.testing.assert_array_equal(by_hand(written(model), states, given), inside(content, given))


@pytest.mark.parametrize("name", [*WAKE_WORDS, *COMMUNITY])
def test_what_is_changed_to_fit_computes_what_the_original_does(name, rows):
    """On LiteRT's default kernels to the bit. On its reference kernels it is what microcontrollers make of
    the original, since CONV_2D rounds there as FULLY_CONNECTED does on them."""
    content = EVERY[name].read_bytes()
    fitted, states = rewritten(content)
    np.testing.assert_array_equal(by_hand(fitted, states, rows), inside(content, rows))
    reference = by_hand(fitted, states, rows, "reference")
    np.testing.assert_array_equal(reference, microcontroller.outputs(content, rows))


@pytest.mark.parametrize("name", [*WAKE_WORDS, *COMMUNITY])
def test_published_wake_words_are_mapped_whole(name):
    fitted, _ = rewritten(EVERY[name].read_bytes())
    assert [str(one.op) for one in placements(read_operators(fitted)) if one.reason] == []


def test_a_constant_state_needs_no_operator():
    """A variable that keeps its value is handed back as it came."""
    graph = Graph()
    rows = graph.input((1, STRIDE, CHANNELS), Scale([0.1]))
    handle, held = graph.state(np.full((1, STRIDE, CHANNELS), 7, np.int8), Scale([0.1]))
    graph.assign(handle, held)
    both = graph.reshape(graph.concatenate([rows, held], 1), (1, 2 * STRIDE * CHANNELS))
    graph.output(graph.quantize(both, Scale([0.1], 128), np.uint8))
    content = graph.tflite()
    given = np.random.default_rng(0).integers(-128, 128, (10 * STRIDE, CHANNELS)).astype(np.int8)
    fitted, states = rewritten(content)
    np.testing.assert_array_equal(by_hand(fitted, states, given), inside(content, given))


def test_a_variable_without_a_beginning_is_refused():
    graph = Graph()
    graph.input((1, STRIDE, CHANNELS), Scale([0.1]))
    _, held = graph.state(np.zeros((1, STRIDE, CHANNELS), np.int8), Scale([0.1]))
    graph.output(graph.quantize(graph.reshape(held, (1, 16)), Scale([0.1], 128), np.uint8))
    model = read(graph.tflite())
    model.subgraphs[1].operators = []
    with pytest.raises(ExportError, match="variable 'state_0' has no initial value"):
        carry_states(model)


def test_a_variable_of_two_scales_is_refused():
    graph = Graph()
    rows = graph.input((1, STRIDE, CHANNELS), Scale([0.1]))
    handle, held = graph.state(np.zeros((1, STRIDE, CHANNELS), np.int8), Scale([0.2]))
    graph.assign(handle, rows)
    graph.output(graph.quantize(graph.reshape(held, (1, 16)), Scale([0.1], 128), np.uint8))
    with pytest.raises(ExportError, match=r"tensor 0 't0': its variable is kept as int8 of scale 0\.2"):
        carry_states(read(graph.tflite()))


# What the compiler's documentation says of an operator


def only(name: str, shapes: tuple, constants: tuple = (), options: str = "", **values: int) -> Op:
    """An operator on int8: its inputs' shapes, its output's last; `constants` come after the inputs."""
    graph = GraphBuilder()
    tensors = [graph.tensor("int8", shape, 0.1) for shape in shapes]
    extra = [
        graph.constant(np.array(values_), *([0.1] if values_.dtype == np.int8 else []))
        for values_ in constants
    ]
    *inputs, output = tensors
    operands = [*extra, *inputs] if name == "SPLIT" else [*inputs, *extra]
    graph.op(name, operands, [output], 1, options, **values)
    (op,) = read_operators(graph.tflite(inputs, [output]))
    return op


def numbers(*of: int) -> np.ndarray:
    return np.array(of, np.int32)


def weights(*shape: int) -> np.ndarray:
    return np.ones(shape, np.int8)


A, B = (1, 4, 2, 8), (1, 8)

MAPPED = {
    "any": only("ADD", (A, A, A), options="Add"),
    "pool": only("MAX_POOL_2D", (A, A), options="Pool2D"),
    "joined": only("CONCATENATION", (A, A, (1, 8, 2, 8)), options="Concatenation", axis=1),
    "zeros joined": only(
        "CONCATENATION", (A, (1, 8, 2, 8)), (weights(*A) * 0,), options="Concatenation", axis=1
    ),
    "dilated": only(
        "CONV_2D", (A, A), (weights(8, 1, 1, 8),), "Conv2D", dilationWFactor=2, dilationHFactor=2
    ),
    "matrix": only("FULLY_CONNECTED", (B, (1, 3)), (weights(3, 8),), "FullyConnected"),
    "mean": only("MEAN", (A, (1, 8)), (numbers(1, 2),), "Reducer"),
    "mean of 8 channels": only("MEAN", (A, (1, 4, 2)), (numbers(-1),), "Reducer"),
    "packed": only("PACK", (B, B, (1, 2, 8)), options="Pack", axis=1),
    "padded": only("PAD", (A, (1, 6, 2, 8)), (numbers(0, 0, 1, 1, 0, 0, 0, 0).reshape(4, 2),), "Pad"),
    "summed": only("SUM", (A, (1, 8)), (numbers(1, 2),), "Reducer"),
    "softmax": only("SOFTMAX", (B, B), options="Softmax"),
    "split": only("SPLIT", (A, A), (numbers(1),), "Split"),
    "slice": only(
        "STRIDED_SLICE", (B, (1, 4)), (numbers(0, 0), numbers(1, 4), numbers(1, 1)), "StridedSlice"
    ),
}

LEFT = {
    "not in the compiler's list": only("HARD_SWISH", (A, A)),
    "fused activation": only("AVERAGE_POOL_2D", (A, A), options="Pool2D", fusedActivationFunction=1),
    "constants other than zeros": only(
        "CONCATENATION", (A, (1, 8, 2, 8)), (weights(*A),), "Concatenation", axis=1
    ),
    "dilates height and width differently": only(
        "CONV_2D", (A, A), (weights(8, 1, 1, 8),), "Conv2D", dilationWFactor=2, dilationHFactor=1
    ),
    "weights that are computed": only("FULLY_CONNECTED", (B, (3, 8), (1, 3)), options="FullyConnected"),
    "another than the default format": only(
        "FULLY_CONNECTED", (B, (1, 3)), (weights(3, 8),), "FullyConnected", weightsFormat=1
    ),
    "output of more than one dimension": only(
        "FULLY_CONNECTED", ((4, 8), (4, 3)), (weights(3, 8),), "FullyConnected"
    ),
    "the mean over 6 channels": only("MEAN", ((1, 4, 6), (1, 4)), (numbers(2),), "Reducer"),
    "along the batch dimension": only("MEAN", (A, (4, 2, 8)), (numbers(0),), "Reducer"),
    "works along the batch": only("PACK", (B, B, (2, 1, 8)), options="Pack", axis=0),
    "along the batch": only("PAD", (B, (3, 8)), (numbers(1, 1, 0, 0).reshape(2, 2),), "Pad"),
    "the batch": only("SUM", (A, (4, 2, 8)), (numbers(0, 1),), "Reducer"),
    "batch dimension": only("SPLIT", (A, A), (numbers(0),), "Split"),
    "over one dimension": only("SOFTMAX", ((1, 4, 8), (1, 4, 8)), options="Softmax"),
    "steps other than 1": only(
        "STRIDED_SLICE", (B, (1, 4)), (numbers(0, 0), numbers(1, 8), numbers(1, 2)), "StridedSlice"
    ),
    "adds or fills in dimensions": only(
        "STRIDED_SLICE", (B, B), (numbers(0, 0), numbers(1, 8), numbers(1, 1)), "StridedSlice", newAxisMask=1
    ),
    "3 innermost dimensions": only("LOGISTIC", ((2, 4, 2, 8), (2, 4, 2, 8))),
    "no dimension of fixed size": only("LOGISTIC", ((), ())),
}


@pytest.mark.parametrize("what", MAPPED)
def test_operators_within_the_limits_are_mapped(what):
    assert limitation(MAPPED[what]) == ""


@pytest.mark.parametrize("reason", LEFT)
def test_operators_beyond_the_limits_stay_on_the_processor(reason):
    assert reason in limitation(LEFT[reason])


def test_after_the_first_operator_left_all_are():
    one, two = MAPPED["any"], LEFT["not in the compiler's list"]
    assert [bool(p.reason) for p in placements([one, two, one])] == [False, True, True]
    assert placements([one, two, one])[2].reason == AFTER


# kws export edgetpu


def two_ops(first: str, second: str) -> bytes:
    """A model of two operators, one row a step."""
    graph = GraphBuilder()
    rows = graph.tensor("int8", (1, 1, 40), 0.10196078568696976, -128)
    middle, end = (graph.tensor("int8", (1, 1, 40), 1 / 256, -128) for _ in range(2))
    graph.op(first, [rows], [middle])
    graph.op(second, [middle], [end])
    flat, output = graph.tensor("int8", (1, 40), 1 / 256, -128), graph.tensor("uint8", (1, 40), 1 / 256)
    graph.op("RESHAPE", [end, graph.constant(numbers(1, 40))], [flat], options="Reshape")
    graph.op("QUANTIZE", [flat], [output], options="Quantize")
    return graph.tflite([rows], [output])


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tpu")
    assert main(["export", "edgetpu", "computer", "-o", str(directory)]) == 0
    return directory


def test_the_manifest_describes_the_states(export):
    described = json.loads((export / "computer.json").read_text())["kws"]["states"]
    _, states = rewritten(EVERY["computer"].read_bytes())
    for one, state in zip(described, states, strict=True):
        assert (one["name"], one["input"], one["output"]) == (state.name, state.input, state.output)
        assert (one["scale"], one["zero_point"]) == (state.scale, state.zero_point)
        initial = np.array(one["initial"], np.int8).reshape(one["shape"])
        np.testing.assert_array_equal(initial, state.initial, strict=True)


@pytest.mark.parametrize("name", ["computer", str(community.manifest("hey_mycroft"))])
def test_kws_runs_the_export_like_the_original(name, tmp_path, rows):
    assert main(["export", "edgetpu", name, "-o", str(tmp_path / "out")]) == 0
    original, carried = find_bundle(name), find_bundle(tmp_path / "out")
    assert (carried.labels, carried.warmup_rows) == (original.labels, original.warmup_rows)
    assert carried.threshold == original.threshold
    model = carried.open_model()
    expected = original.open_model().push(rows)
    np.testing.assert_array_equal(model.push(rows), expected)
    model.reset()
    pieces = [model.push(rows[:100]), model.push(rows[100:])]
    np.testing.assert_array_equal(np.concatenate(pieces), expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": 7}, "has no int8 [1, 64] at place 7"),
        ({"output": 0}, "has no int8 [1, 64] at place 0"),
        ({"shape": [64, 1]}, "has no int8 [64, 1] at place 1"),
        ({"input": -1}, "kws.states 1: input must be a whole number from 0"),
        ({"initial": [1, 2]}, "kws.states 1: initial must be numbers of this shape"),
        ({"initial": [200] * 64}, "kws.states 1: initial must be from -128 to 127"),
    ],
)
def test_states_that_do_not_fit_the_graph_are_refused(export, tmp_path, change, message):
    shutil.copy(export / "computer.tflite", tmp_path)
    manifest = json.loads((export / "computer.json").read_text())
    manifest["kws"]["states"][0].update(change)
    (tmp_path / "computer.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=re.escape(message)):
        find_bundle(tmp_path).open_model()


def test_a_graph_with_states_needs_them_in_its_manifest(export, tmp_path):
    shutil.copy(export / "computer.tflite", tmp_path)
    manifest = json.loads((export / "computer.json").read_text())
    del manifest["kws"]["states"]
    (tmp_path / "computer.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match=r"4 inputs and 4 outputs.*kws\.states"):
        find_bundle(tmp_path).open_model()


def test_the_example_says_the_models_scores(export):
    recording = bundled_recordings()[0].audio
    command = [sys.executable, export / "example.py", export / "computer.json", recording]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = np.array([line.split() for line in said.splitlines()], float)
    model = find_bundle("computer").open_model()
    expected = model.push(Frontend().push(read_samples(recording)))[:, 0] * model.output_quantization[0]
    np.testing.assert_allclose(found[:, 1], expected, atol=1e-4)
    np.testing.assert_allclose(found[:, 0], 0.03 * np.arange(1, len(expected) + 1), atol=1e-6)


def test_the_report_counts_what_runs_where(export):
    report = (export / "operators.txt").read_text()
    assert "processor" not in report
    description = json.loads((export / "export.json").read_text())
    assert (
        description["operators"]
        == description["operators_on_the_edge_tpu"]
        == sum(int(line.split()[1]) for line in report.splitlines() if line.endswith("Edge TPU"))
    )


def test_the_report_names_what_stays_on_the_processor(tmp_path):
    labels = [str(i) for i in range(40)]
    model = exported.bundle_of(two_ops("LOGISTIC", "HARD_SWISH"), tmp_path / "model", labels=labels)
    assert main(["export", "edgetpu", str(model.manifest_path), "-o", str(tmp_path / "out")]) == 0
    report = (tmp_path / "out" / "operators.txt").read_text()
    assert "LOGISTIC                   1  Edge TPU\n" in report
    assert "HARD_SWISH                 1  processor\n" in report
    assert "HARD_SWISH that makes tensor 2 't2' (int8 [1, 1, 40]): is not in the compiler's list" in report
    assert "QUANTIZE                   1  processor\n" in report


def test_a_model_of_which_nothing_would_run_is_refused(capsys, tmp_path):
    labels = [str(i) for i in range(40)]
    model = exported.bundle_of(one_op("HARD_SWISH"), tmp_path / "model", labels=labels).manifest_path
    line = refused(capsys, "export", "edgetpu", model, "-o", tmp_path / "out")
    assert "HARD_SWISH that makes tensor 1 't1' (int8 [1, 1, 40])" in line
    assert "begin the model with ADD" in line
    assert not (tmp_path / "out").exists()
