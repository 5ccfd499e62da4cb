"""The convolutional network: its features stream, int8 stays close by; CTC loss against all paths."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
tf = pytest.importorskip("tensorflow")

from kws.commands.models import describe_recognizer  # noqa: E402
from kws.frontend import FrontendConfig  # noqa: E402
from kws.recognition.acoustic import SETTLING_SECONDS, AcousticModel, log_softmax  # noqa: E402
from kws.recognition.bundle import read_recognizer, write_recognizer  # noqa: E402
from training.int8.quantize import quantize  # noqa: E402
from training.recognizer.encoders import layered_network  # noqa: E402
from training.recognizer.encoders.layered import LayeredNetwork  # noqa: E402
from training.recognizer.hearing import hearing  # noqa: E402
from training.recognizer.learn import ctc_loss  # noqa: E402
from training.recognizer.network import OUTPUTS  # noqa: E402
from training.recognizer.publish import loudest_cell  # noqa: E402

STRIDE = hearing().stride
SETTLING_STEPS = round(SETTLING_SECONDS / 0.04)
ROWS = np.random.default_rng(1).integers(-128, 60, (60 * STRIDE, 40)).astype(np.int8)


@pytest.fixture(scope="module")
def network() -> LayeredNetwork:
    """Small, with moments as after some training, so that a normalization left out would show."""
    made = layered_network("convolutions", front=16, width=24, dilations=(1, 2, 4), dropout=0.0)
    rng = np.random.default_rng(2)
    for norm in (layer.norm for layer in (*made.entry, *made.body)):
        size = norm.mean.shape
        norm.mean.assign(rng.normal(0, 0.3, size))
        norm.variance.assign(rng.uniform(2, 30, size))
        norm.beta.assign(rng.normal(0, 0.2, size))
    return made


def test_features_stream_too(network: LayeredNetwork) -> None:
    streaming = network.streaming(heads=False)
    steps = [network.real_valued(ROWS[None, first : first + STRIDE]) for first in range(0, len(ROWS), STRIDE)]
    stepped = np.concatenate([streaming.step(step).numpy() for step in steps])
    np.testing.assert_allclose(stepped, network.encode(network.real_valued(ROWS[None])).numpy()[0], atol=1e-5)


def test_int8_says_nearly_the_same_and_streams(network: LayeredNetwork, tmp_path) -> None:
    tflite = quantize(network, ROWS, first_step=loudest_cell(hearing()))
    path = write_recognizer(tmp_path, "tiny", tflite, language="en", tokens=OUTPUTS, flush_rows=8, card={})
    model = AcousticModel(read_recognizer(path), "characters")
    heard = model.push(ROWS)
    first, size = OUTPUTS["characters"]
    quiet = np.full((SETTLING_STEPS * STRIDE, 40), FrontendConfig().row_zero_point, np.int8)
    exact_logits = network.forward(network.real_valued(np.concatenate([quiet, ROWS])[None])).numpy()[0]
    exact = log_softmax(exact_logits[SETTLING_STEPS:, first : first + size])
    assert np.abs(heard - exact).mean() < 0.05
    assert model._model.input_quantization[0] == pytest.approx(FrontendConfig().row_scale, rel=1e-3)
    model.reset()
    pieces = [model.push(part) for part in np.split(ROWS, [1, 7, 8, 100])]
    np.testing.assert_array_equal(np.concatenate(pieces), heard)
    assert model.flush().shape == (2, size)
    facts = describe_recognizer(read_recognizer(path))
    assert facts["input"]["shape"] == [1, STRIDE, 40]
    assert facts["tokens"] == {"phones": 40, "characters": 29}


def test_ctc_loss_is_that_of_all_paths() -> None:
    """-ln of the probability that some path over four steps collapses to the label, per label."""
    first, size = OUTPUTS["phones"]
    logits = np.random.default_rng(3).normal(size=(1, 4, 69)).astype(np.float32)
    label = [2, 2]
    probabilities = np.exp(log_softmax(logits[0, :, first : first + size]))
    total = sum(
        np.prod([probabilities[step, token] for step, token in enumerate(path)])
        for path in product([0, 2], repeat=4)
        if _collapsed(path) == label
    )
    loss = ctc_loss(tf.constant(logits), tf.constant([4]), "phones", tf.constant(label), tf.constant([2]))
    assert float(loss) == pytest.approx(-np.log(total) / 2, rel=1e-4)


def _collapsed(path: tuple[int, ...]) -> list[int]:
    kept = [token for step, token in enumerate(path) if step == 0 or token != path[step - 1]]
    return [token for token in kept if token]
