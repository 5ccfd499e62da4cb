"""Reading networks and writing graphs: the parts that the published network alone does not show."""

from __future__ import annotations

import flatbuffers
import numpy as np
import published
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from kws.encoders.graph import Graph
from kws.encoders.network import LEAK, LEAST, Layer, read_layers
from kws.encoders.streaming import Float32, streaming_model
from kws.errors import KwsError

RNG = np.random.default_rng(0)


def layer(out: int, rows: int, columns: int, channels: int, **follows) -> Layer:
    kernel = RNG.normal(size=(out, rows, columns, channels)).astype(np.float32)
    bias = RNG.normal(size=out).astype(np.float32)
    return Layer(kernel, bias, padding=columns // 2, **follows)


def slowly(layers: list[Layer], x: np.ndarray) -> np.ndarray:
    """A whole stretch through the network by its definition: (t, w) -> (t', values)."""
    x = x[:, :, None]
    for one in layers:
        x = np.pad(x, ((0, 0), (one.padding, one.padding), (0, 0)))
        out, rows, columns, _ = one.kernel.shape
        t, width = x.shape[0] - rows + 1, x.shape[1] - columns + 1
        patches = [[x[i : i + rows, j : j + columns] for j in range(width)] for i in range(t)]
        x = np.einsum("tjrcn,orcn->tjo", np.array(patches), one.kernel) + one.bias
        if one.activated:
            x = np.maximum(np.where(x > 0, x, LEAK * x), LEAST)
        if one.pool:
            high, wide = one.pool
            blocks = x[: t // high * high].reshape(t // high, high, width // wide, wide, out)
            x = blocks.max(axis=(1, 3))
    return x[:, 0]


def stepwise(model: bytes, x: np.ndarray, rows: int) -> np.ndarray:
    opened = Interpreter(model_content=model, num_threads=1)
    opened.allocate_tensors()
    said = []
    for step in range(len(x) // rows):
        opened.set_tensor(opened.get_input_details()[0]["index"], x[None, step * rows : (step + 1) * rows])
        opened.invoke()
        said.append(opened.get_tensor(opened.get_output_details()[0]["index"])[0])
    return np.array(said)


def test_a_small_network_equals_its_definition():
    """Its pool takes pairs of rows that start where steps do: the layers before it remember four rows."""
    layers = [
        layer(5, 3, 3, 1, activated=True),
        layer(6, 3, 1, 5, activated=True, pool=(2, 2)),
        layer(4, 3, 2, 6),
    ]
    layers[-1] = Layer(layers[-1].kernel, layers[-1].bias)  # two columns to one, without zeros beside them
    x = RNG.normal(size=(40, 4)).astype(np.float32)
    steps, whole = stepwise(streaming_model(layers, 2, 4, Float32()), x, 2), slowly(layers, x)
    np.testing.assert_allclose(steps[4:], whole, rtol=1e-4, atol=1e-4)


def test_without_a_past_there_is_no_state():
    layers = [layer(3, 1, 3, 1, activated=True, pool=(1, 4))]
    model = streaming_model(layers, 1, 4, Float32())
    x = RNG.normal(size=(5, 4)).astype(np.float32)
    np.testing.assert_allclose(stepwise(model, x, 1), slowly(layers, x), rtol=1e-5, atol=1e-5)
    assert len(schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(model, 0)).subgraphs) == 1


def test_the_published_network_has_the_layers_of_the_paper():
    kernels = [one.kernel.shape for one in read_layers(published.EMBEDDING)]
    assert [shape[0] for shape in kernels] == [24] * 3 + [48] * 4 + [72] * 4 + [96] * 9
    assert {shape[1:3] for shape in kernels} == {(3, 3), (1, 3), (3, 1)}


def test_an_operator_without_a_place_is_refused():
    with pytest.raises(KwsError, match="tflite: has a EXPAND_DIMS; expected are convolutions"):
        read_layers(published.LOG_MEL)


@pytest.mark.parametrize(
    ("slope", "bound", "said"),
    [(0.3, LEAST, "slope 0.3, expected is 0.2"), (LEAK, -1.0, "cut off at -1, expected is -0.4")],
)
def test_another_activation_is_refused(tmp_path, slope, bound, said):
    graph = Graph()
    kernel, bias = np.ones((1, 1, 1, 1), np.float32), np.zeros(1, np.float32)
    x = graph.convolve(graph.input((1, 1, 1, 1)), graph.constant(kernel), graph.constant(bias))
    graph.output(graph.at_least(graph.leaky_relu(x, slope), bound))
    (tmp_path / "other.tflite").write_bytes(graph.tflite())
    with pytest.raises(KwsError, match=said):
        read_layers(tmp_path / "other.tflite")


def test_weights_are_aligned():
    """On 16 bytes, as the schema demands: kernels load them whole."""
    layers = [layer(3, 3, 3, 1), layer(7, 3, 1, 3, pool=(2, 4))]
    content = streaming_model(layers, 2, 4, Float32())
    model = schema.Model.GetRootAsModel(content, 0)
    starts = []
    for index in range(model.BuffersLength()):
        field = flatbuffers.number_types.UOffsetTFlags.py_type(model.Buffers(index)._tab.Offset(4))
        if field:
            starts.append(model.Buffers(index)._tab.Vector(field))
    assert len(starts) > 4
    assert [start % 16 for start in starts] == [0] * len(starts)
