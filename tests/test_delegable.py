"""Operators that XNNPACK takes, in place of ones that it leaves: the same values from them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from kws.bundle import MODELS
from kws.standard_error import silenced
from training.int8.delegable import delegable

_ROWS = np.random.default_rng(3).uniform(-1, 1, (40, 1, 5, 8)).astype(np.float32)

_SLICES = {
    "a row from the front": lambda x: x[:, 1],
    "a row from behind": lambda x: x[:, -2],
    "the last row": lambda x: x[:, -1],
    "the only one of a batch": lambda x: x[0],
    "some rows of the only one": lambda x: x[0, 1:4],
    "to the end, some columns": lambda x: x[0, 2:, :3],
    "rows counted from behind": lambda x: x[0, -3:-1],
    "several dropped": lambda x: x[:, 2, 3],
}


@pytest.mark.parametrize("slice_of", _SLICES.values(), ids=_SLICES)
def test_a_slice_that_drops_a_dimension_takes_the_same_part(slice_of):
    model = _converted(lambda x: tf.nn.relu(slice_of(x)) * 2.0)
    changed = delegable(model)
    assert _dropping(model) == 1
    assert _dropping(changed) == 0
    assert np.array_equal(_outputs(changed), _outputs(model))


def test_a_slice_with_steps_stays_as_it_is():
    model = _converted(lambda x: x[0, ::2] * 2.0)
    assert _dropping(model) == 1
    assert delegable(model) == model


def test_a_bound_below_which_int8_has_nothing_falls_away():
    model = _converted(lambda x: tf.maximum(tf.nn.leaky_relu(x, 0.2), -1.0) * 3.0, quantized=True)
    changed = delegable(model)
    assert _operators(model).count(schema.BuiltinOperator.MAXIMUM) == 1
    assert _operators(changed).count(schema.BuiltinOperator.MAXIMUM) == 0
    assert np.array_equal(_outputs(changed), _outputs(model))


@pytest.mark.parametrize("quantized", [True, False], ids=["int8", "float32"])
def test_a_bound_that_cuts_something_off_stays(quantized):
    model = _converted(lambda x: tf.maximum(tf.nn.leaky_relu(x, 0.2), 0.3) * 3.0, quantized=quantized)
    assert _operators(model).count(schema.BuiltinOperator.MAXIMUM) == 1
    assert delegable(model) == model


def test_a_bound_that_is_the_output_stays():
    model = _converted(lambda x: tf.maximum(tf.nn.leaky_relu(x, 0.2), -1.0), quantized=True)
    changed = delegable(model)
    assert np.array_equal(_outputs(changed), _outputs(model))


@pytest.mark.parametrize("path", sorted(MODELS.rglob("*.tflite")), ids=lambda path: path.stem)
def test_bundled_models_have_nothing_to_change(path):
    assert delegable(path.read_bytes()) == path.read_bytes()


def _converted(function: Callable[[tf.Tensor], tf.Tensor], *, quantized: bool = False) -> bytes:
    traced = tf.function(function, input_signature=[tf.TensorSpec((1, 5, 8))], autograph=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([traced.get_concrete_function()], tf.Module())
    if quantized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([rows] for rows in _ROWS)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.int8
    with silenced():
        return bytes(converter.convert())


def _outputs(model: bytes) -> np.ndarray:
    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    found = []
    for rows in _ROWS:
        codes = rows if source["dtype"] is np.float32 else np.clip(rows * 127, -128, 127)
        interpreter.set_tensor(source["index"], codes.astype(source["dtype"]))
        interpreter.invoke()
        found.append(interpreter.get_tensor(sink["index"]))
    assert len(np.unique(found)) > 10  # not a constant, which would be the same from anything
    return np.array(found)


def _operators(model: bytes) -> list[int]:
    read = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in read.operatorCodes]
    return [codes[operator.opcodeIndex] for operator in read.subgraphs[0].operators]


def _dropping(model: bytes) -> int:
    """Slices that drop a dimension."""
    read = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    options = [operator.builtinOptions for operator in read.subgraphs[0].operators]
    return sum(isinstance(one, schema.StridedSliceOptionsT) and one.shrinkAxisMask > 0 for one in options)
