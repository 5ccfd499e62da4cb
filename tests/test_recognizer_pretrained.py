"""The network on the published encoder: it starts from the published values, streams, and keeps to int8."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
tf = pytest.importorskip("tensorflow")

from kws.encoders.lower_layers import LowerLayersConfig  # noqa: E402
from kws.encoders.network import read_layers  # noqa: E402
from kws.encoders.speech_embedding import published_network  # noqa: E402
from kws.errors import KwsError  # noqa: E402
from kws.frontends import FULL_BAND, LOWER_LAYERS, WAVEFORM  # noqa: E402
from kws.recognition.acoustic import AcousticModel, log_softmax  # noqa: E402
from kws.recognition.bundle import read_recognizer, write_recognizer  # noqa: E402
from training.int8.quantize import quantize  # noqa: E402
from training.recognizer.encoders import BODIES  # noqa: E402
from training.recognizer.encoders.convolution import CausalConv  # noqa: E402
from training.recognizer.encoders.normalization import BatchNorm  # noqa: E402
from training.recognizer.encoders.pretrained import PretrainedNetwork, flat, in_bands  # noqa: E402
from training.recognizer.encoders.recurrent import RecurrentLayer  # noqa: E402
from training.recognizer.hearing import hearing  # noqa: E402
from training.recognizer.learn import build  # noqa: E402
from training.recognizer.network import OUTPUTS  # noqa: E402
from training.recognizer.publish import loudest_cell  # noqa: E402
from training.recognizer.recipe import NetworkRecipe  # noqa: E402

EAR = hearing(LOWER_LAYERS)


def spoken(seconds: float) -> np.ndarray:
    """Something that changes as speech does: noise with a syllable's rhythm."""
    time = np.arange(int(16000 * seconds)) / 16000
    rng = np.random.default_rng(4)
    sound = rng.normal(0, 3000, len(time)) * np.maximum(0, np.sin(2 * np.pi * 3 * time))
    return sound.astype(np.int16)


SAMPLES = spoken(3.0)
ROWS = EAR.hear(SAMPLES)
WIDE = hearing(FULL_BAND)
WIDE_ROWS = WIDE.hear(SAMPLES)


def small(body: str, encoder: str = LOWER_LAYERS) -> PretrainedNetwork:
    """With moments as after some training."""
    tf.keras.utils.set_random_seed(4)
    made = PretrainedNetwork(width=24, dilations=(1, 2), body=body, encoder=encoder, front=16)
    rng = np.random.default_rng(2)
    for layer in (module for module in made.submodules if isinstance(module, BatchNorm)):
        layer.mean.assign(rng.normal(0, 0.3, layer.mean.shape))
        layer.variance.assign(rng.uniform(2, 30, layer.mean.shape))
    made.head_kernel.assign(rng.normal(0, 0.3, made.head_kernel.shape))
    return made


@pytest.fixture(scope="module")
def network() -> PretrainedNetwork:
    return small("convolutions")


@pytest.fixture(scope="module")
def batch_logits(network: PretrainedNetwork) -> np.ndarray:
    return network.forward(network.real_valued(ROWS[None])).numpy()[0]


def test_its_upper_layers_start_where_the_published_network_is(network: PretrainedNetwork) -> None:
    """The published layers one after the other, in another framework's arithmetic."""
    x = EAR.real_valued(ROWS[-20:]).reshape(20, 4, 72)
    expected = x
    for layer in read_layers(published_network())[LowerLayersConfig().layers : 19]:
        padded = np.pad(expected, ((layer.remembered, 0), (layer.padding, layer.padding), (0, 0)))
        taps, sides = layer.kernel.shape[1:3]
        width = padded.shape[1] - sides + 1
        out = sum(
            padded[row : row + 20, side : side + width] @ layer.kernel[:, row, side].T
            for row in range(taps)
            for side in range(sides)
        )
        out = np.maximum(np.where(out + layer.bias > 0, 1.0, 0.2) * (out + layer.bias), -0.4)
        if layer.pool and width > 2:
            out = out.reshape(20, width // 2, 2, -1).max(axis=2)
        expected = out
    found = in_bands(network.real_valued(ROWS[None, -20:]))
    for upper in network.upper:
        found = upper(found)
    np.testing.assert_allclose(flat(found).numpy()[0], expected.reshape(20, -1), atol=1e-3)


def test_weights_are_stored_in_one_order(network: PretrainedNetwork) -> None:
    """What starts from nothing, what does not, running moments: files of weights know no names."""
    layers = [network.entry, *network.body]
    fresh = [w for layer in layers for w in (layer.kernel, layer.norm.gamma, layer.norm.beta)]
    known = [weight for layer in network.upper for weight in (layer.kernel, layer.bias)]
    moments = [moment for layer in layers for moment in (layer.norm.mean, layer.norm.variance)]
    expected = [*fresh, network.head_kernel, network.head_bias, *known, *moments]
    assert [id(variable) for variable in network.variables] == [id(variable) for variable in expected]
    assert [id(variable) for variable in network.pretrained_variables] == [id(weight) for weight in known]


@pytest.mark.parametrize("body", sorted(set(BODIES) - {"bidirectional"}))
@pytest.mark.parametrize(("encoder", "rows"), [(LOWER_LAYERS, ROWS), (FULL_BAND, WIDE_ROWS)])
def test_streaming_equals_the_batch(body: str, encoder: str, rows: np.ndarray) -> None:
    network = small(body, encoder)
    whole = network.forward(network.real_valued(rows[None])).numpy()[0]
    streaming = network.streaming()
    stepped = [streaming.step(network.real_valued(row[None, None])).numpy()[0] for row in rows]
    np.testing.assert_allclose(stepped, whole, atol=1e-4)
    assert np.ptp(whole, axis=0).min() > 1e-2  # a constant would agree with anything


def test_energies_are_heard_beside_the_lower_layers() -> None:
    network, lower = small("convolutions", FULL_BAND), EAR.format.channels
    np.testing.assert_array_equal(WIDE_ROWS[:, :lower], ROWS)
    whole = network.forward(network.real_valued(WIDE_ROWS[None])).numpy()[0]
    for part in (slice(0, lower), slice(lower, None)):
        changed = WIDE_ROWS.copy()
        changed[30:, part] = WIDE.quiet[part]
        logits = network.forward(network.real_valued(changed[None])).numpy()[0]
        np.testing.assert_allclose(logits[:30], whole[:30], atol=1e-5)
        assert np.abs(logits[30] - whole[30]).max() > 1e-3


def test_nothing_is_heard_before_its_time(network: PretrainedNetwork, batch_logits: np.ndarray) -> None:
    changed = ROWS.copy()
    changed[30:] = 0
    logits = network.forward(network.real_valued(changed[None])).numpy()[0]
    np.testing.assert_allclose(logits[:30], batch_logits[:30], atol=1e-5)
    assert np.abs(logits[30] - batch_logits[30]).max() > 1e-3


@pytest.mark.parametrize("encoder", [LOWER_LAYERS, FULL_BAND])
def test_a_bundle_hears_the_audio_itself(encoder: str, tmp_path) -> None:
    ear, network = hearing(encoder), small("convolutions", encoder)
    heard_rows = ear.hear(SAMPLES)
    tflite = quantize(network, heard_rows, first_step=loudest_cell(ear), to_real=ear.real_valued)
    path = write_recognizer(
        tmp_path, "tiny", tflite, language="en", tokens=OUTPUTS, flush_rows=24, card={}, encoder=encoder
    )
    model = AcousticModel(read_recognizer(path), "characters")
    assert (model.front_end, model.step_rows, model.step_seconds) == (WAVEFORM, 4, pytest.approx(0.04))
    rows = SAMPLES.reshape(-1, 160)
    heard = model.push(rows)
    first, size = OUTPUTS["characters"]
    exact_logits = network.forward(network.real_valued(heard_rows[None])).numpy()[0]
    exact = log_softmax(exact_logits[:, first : first + size])
    assert heard.shape[0] - len(exact) in (0, 1)  # the quiet before it is heard in the same stream here
    assert np.abs(heard[20 : len(exact)] - exact[20:]).mean() < 0.3
    model.reset()
    pieces = [model.push(part) for part in np.split(rows, [1, 7, 8, 100])]
    np.testing.assert_array_equal(np.concatenate(pieces), heard)
    assert model.flush().shape == (6, size)


def test_loud_upper_layers_leave_the_input_its_scale(tmp_path) -> None:
    """Put side by side with the input, they would widen its int8 scale."""
    loud = PretrainedNetwork(width=16, dilations=(1,))
    loud.upper[-1].kernel.assign(20 * loud.upper[-1].kernel)
    tflite = quantize(loud, ROWS[:30], first_step=loudest_cell(EAR), to_real=EAR.real_valued)
    path = write_recognizer(
        tmp_path, "loud", tflite, language="en", tokens=OUTPUTS, flush_rows=24, card={}, encoder=LOWER_LAYERS
    )
    assert read_recognizer(path).open_model().input_quantization == (
        pytest.approx(EAR.format.row_scale),
        EAR.format.row_zero_point,
    )


def test_a_recipe_chooses_the_body_behind_the_encoder() -> None:
    chosen = build(NetworkRecipe(encoder=LOWER_LAYERS, name="recurrent", width=16, dilations=(1, 1)))
    assert [type(layer) for layer in chosen.body] == [RecurrentLayer, RecurrentLayer, CausalConv]
    with pytest.raises(KwsError, match="cannot be streamed"):
        small("bidirectional").streaming()
    with pytest.raises(KwsError, match=f"allowed are {', '.join(BODIES)}"):
        build(NetworkRecipe(encoder=LOWER_LAYERS, name="oracle"))


def test_an_encoder_that_no_network_is_built_behind_is_refused() -> None:
    with pytest.raises(KwsError, match="allowed are micro, speech-embedding-lower"):
        hearing("wav2vec")
