"""A .tflite whose equal vectors are written once."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from kws.bundle import find_bundle
from training.int8.compact import compact


@pytest.fixture(scope="module")
def bundled():
    return find_bundle("computer").model_path.read_bytes()


@pytest.fixture(scope="module")
def spread_out(bundled):
    """The same model with a vector of its own for every tensor, as a converter writes it."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(bundled, 0))
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_the_bundled_words_are_compact(bundled, spread_out):
    assert compact(bundled) == compact(spread_out) == bundled
    assert len(bundled) < 0.93 * len(spread_out)
    assert len(bundled) <= 100_000


def test_the_outputs_stay_the_same(bundled, spread_out):
    rows = np.random.default_rng(1).integers(-128, 128, (40, 3, 40)).astype(np.int8)
    assert np.array_equal(_outputs(bundled, rows), _outputs(spread_out, rows))


def test_contents_are_aligned(spread_out):
    content = compact(spread_out)
    model = schema.Model.GetRootAs(content, 0)
    buffers = [model.Buffers(number) for number in range(model.BuffersLength())]
    starts = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in buffers if buffer.DataLength()]
    assert len(starts) > 20
    assert all(start % 16 == 0 for start in starts)


def _outputs(content, rows):
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    given, told = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    outputs = []
    for step in rows.reshape(-1, 1, *given["shape"][1:]):
        interpreter.set_tensor(given["index"], step)
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(told["index"]).copy())
    return np.concatenate(outputs)
