"""Encoders of the micro front end's rows: batch = streaming in float, causal, int8 close by; they learn."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
tf = pytest.importorskip("tensorflow")

from kws.errors import KwsError  # noqa: E402
from kws.recognition.acoustic import log_softmax  # noqa: E402
from training.int8.quantize import quantize  # noqa: E402
from training.recognizer import publish  # noqa: E402
from training.recognizer.encoders import BODIES, layered_network  # noqa: E402
from training.recognizer.encoders.layered import LayeredNetwork  # noqa: E402
from training.recognizer.encoders.normalization import BatchNorm  # noqa: E402
from training.recognizer.hearing import hearing  # noqa: E402
from training.recognizer.learn import build, ctc_loss  # noqa: E402
from training.recognizer.network import OUTPUTS  # noqa: E402
from training.recognizer.publish import loudest_cell  # noqa: E402
from training.recognizer.recipe import NetworkRecipe  # noqa: E402

STRIDE = hearing().stride
ROWS = np.random.default_rng(1).integers(-128, 60, (50 * STRIDE, 40)).astype(np.int8)
STREAMING = sorted(set(BODIES) - {"bidirectional"})


def made(name: str) -> LayeredNetwork:
    """Small, with moments as after some training, so that a normalization left out would show."""
    tf.keras.utils.set_random_seed(4)
    network = layered_network(name, front=16, width=24, dilations=(1, 2), dropout=0.0)
    rng = np.random.default_rng(2)
    for layer in (module for module in network.submodules if isinstance(module, BatchNorm)):
        layer.mean.assign(rng.normal(0, 0.3, layer.mean.shape))
        layer.variance.assign(rng.uniform(2, 30, layer.mean.shape))
        layer.beta.assign(rng.normal(0, 0.2, layer.mean.shape))
    return network


@pytest.fixture(scope="module", params=STREAMING)
def network(request: pytest.FixtureRequest) -> LayeredNetwork:
    return made(request.param)


def batch(network: LayeredNetwork, rows: np.ndarray) -> np.ndarray:
    return network.forward(network.real_valued(rows[None])).numpy()[0]


def test_streaming_equals_the_batch(network: LayeredNetwork) -> None:
    streaming = network.streaming()
    steps = [network.real_valued(ROWS[first : first + STRIDE][None]) for first in range(0, len(ROWS), STRIDE)]
    stepped = np.concatenate([streaming.step(step).numpy() for step in steps])
    np.testing.assert_allclose(stepped, batch(network, ROWS), atol=1e-5)
    assert np.ptp(stepped, axis=0).min() > 1e-3  # a constant would agree with anything


def test_nothing_is_heard_before_its_time(network: LayeredNetwork) -> None:
    changed = ROWS.copy()
    changed[30 * STRIDE :] = 0
    whole, other = batch(network, ROWS), batch(network, changed)
    np.testing.assert_allclose(other[:30], whole[:30], atol=1e-6)
    assert np.abs(other[30] - whole[30]).max() > 1e-4


def test_int8_says_nearly_the_same(network: LayeredNetwork, tmp_path) -> None:
    from kws.model import StreamingModel

    path = tmp_path / "tiny.tflite"
    path.write_bytes(quantize(network, ROWS, first_step=loudest_cell(hearing())))
    model = StreamingModel(path)
    scale, zero = model.output_quantization
    outputs = (model.push(ROWS).astype(np.float32) - zero) * scale
    first, size = OUTPUTS["phones"]
    exact = log_softmax(batch(network, ROWS)[:, first : first + size])
    assert np.abs(log_softmax(outputs[:, first : first + size]) - exact).mean() < 0.1
    model.reset()
    pieces = [model.push(part) for part in np.split(ROWS, [1, 7, 8, 100])]
    whole = StreamingModel(path).push(ROWS)
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_the_bidirectional_twin_hears_what_comes_after_and_cannot_stream() -> None:
    twin = made("bidirectional")
    changed = ROWS.copy()
    changed[30 * STRIDE :] = 0
    assert np.abs(batch(twin, changed)[:30] - batch(twin, ROWS)[:30]).max() > 1e-4
    with pytest.raises(KwsError, match="cannot be streamed"):
        twin.streaming()


def test_every_encoder_that_streams_has_words_for_its_card() -> None:
    assert sorted(publish._BODIES) == STREAMING


def test_a_recipe_chooses_by_name() -> None:
    recipe = NetworkRecipe(name="recurrent", front=8, width=16, dilations=(1, 1, 1))
    chosen = build(recipe)
    assert isinstance(chosen, LayeredNetwork)
    assert len(chosen.body) == 3 + 1
    usual = build(NetworkRecipe(front=8, width=16, dilations=(1, 4)))
    assert [layer.dilation for layer in usual.body] == [1, 4]
    with pytest.raises(KwsError, match=f"allowed are {', '.join(BODIES)}"):
        build(NetworkRecipe(name="oracle"))


@pytest.mark.parametrize("name", sorted(BODIES))
def test_it_learns(name: str) -> None:
    """Two takes by heart, by CTC."""
    network = made(name)
    rows = tf.constant(np.stack([ROWS[:80], ROWS[80:160]]))
    steps, labels, counts = tf.constant([20, 20]), tf.constant([3, 7, 3, 9, 9, 2]), tf.constant([3, 3])
    optimizer = tf.keras.optimizers.Adam(1e-2)
    losses = []
    for _ in range(12):
        with tf.GradientTape() as tape:
            logits = network.forward(network.real_valued(rows), training=True)
            loss = ctc_loss(logits, steps, "phones", labels, counts)
        gradients = tape.gradient(loss, network.trainable_variables)
        assert all(gradient is not None for gradient in gradients[:-2])
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        losses.append(float(loss))
    assert losses[-1] < losses[0] / 2
    names = {id(variable) for variable in network.variables}
    assert len(names) == len(network.variables)
    assert {id(variable) for variable in network.trainable_variables} <= names
