"""Every architecture against tier 1 of the numeric contract, and its int8 form against the float one."""

from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
tf = pytest.importorskip("tensorflow")

import microcontroller  # noqa: E402
from carried import by_hand  # noqa: E402

from firmware_export.edgetpu.model import read, written  # noqa: E402
from firmware_export.edgetpu.states import carry_states  # noqa: E402
from firmware_export.errors import ExportError  # noqa: E402
from firmware_export.native.stages import NativeModel  # noqa: E402
from kws.model import StreamingModel  # noqa: E402
from training.int8.quantize import quantize, to_real  # noqa: E402
from training.models import ARCHITECTURES, Network, build  # noqa: E402
from training.models.scoring import scorer  # noqa: E402

ESPHOME_OPERATIONS = {
    "CALL_ONCE", "VAR_HANDLE", "RESHAPE", "READ_VARIABLE", "STRIDED_SLICE", "CONCATENATION",
    "ASSIGN_VARIABLE", "CONV_2D", "MUL", "ADD", "MEAN", "FULLY_CONNECTED", "LOGISTIC", "QUANTIZE",
    "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "MAX_POOL_2D", "PAD", "PACK", "SPLIT_V",
}  # fmt: skip
INT8_APART = {"mhatt": 0.25}
"""How far int8 scores may lie from float ones, if not 0.15: attention chooses anew which steps it heeds."""
BEYOND_ESPHOME = {"mhatt": {"SOFTMAX", "SUM"}}
"""What an architecture needs that ESPHome's interpreter lacks; it runs everywhere else."""

WITHOUT_C99_KERNEL = {"mhatt": "SUM"}
"""What an architecture needs that the exported C lacks."""


@pytest.fixture(scope="module", params=sorted(ARCHITECTURES))
def network(request: pytest.FixtureRequest, rows: np.ndarray) -> Network:
    """A network whose weights and batch statistics are those of no special case, and whose scores vary."""
    drawn = (drawn_network(request.param, rows, seed) for seed in range(7, 60))
    return next(one for one in drawn if len(np.unique(np.round(255 * batch_scores(one, rows)))) > 20)


def drawn_network(name: str, rows: np.ndarray, seed: int) -> Network:
    """By numbers of its own: those of the whole process depend on what other tests have left behind.

    Of some seeds the scores are nearly the same for all rows.
    """
    numbers = np.random.default_rng(seed)
    built = build(name, {})
    for variable in built.variables:
        shape = tuple(variable.shape)
        if len(shape) > 1:  # else a bias or a statistic, which begin as constants
            most = np.sqrt(6 / (np.prod(shape[:-1]) + shape[-1]))  # Glorot and Bengio 2010
            variable.assign(numbers.uniform(-most, most, shape))
        variable.assign_add(numbers.uniform(-0.03, 0.05, shape))
    logits, _ = built.forward(to_real(rows)[None], built.zero_states(1))
    built.soften(max(1.0, float(np.abs(logits).max()) / 3))
    return built


@pytest.fixture(scope="module")
def rows() -> np.ndarray:
    """Smooth random features, shape (360, 40): neighbouring rows are alike, as in speech."""
    steps = np.random.default_rng(5).normal(size=(360, 40)).cumsum(axis=0) * 12
    return np.clip(steps - steps.mean(), -128, 127).astype(np.int8)


@pytest.fixture(scope="module")
def tflite(network: Network, rows: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The network as int8."""
    path = tmp_path_factory.mktemp("int8") / "network.tflite"
    path.write_bytes(quantize(network, rows))
    return path


def batch_scores(network: Network, rows: np.ndarray) -> np.ndarray:
    logits, _ = network.forward(to_real(rows)[None], network.zero_states(1))
    return tf.sigmoid(logits).numpy()[0]


@pytest.mark.parametrize("steps_at_once", [1, 7, 40])
def test_chunks_with_carried_state_equal_the_whole(
    network: Network, rows: np.ndarray, steps_at_once: int
) -> None:
    states, scores = network.zero_states(1), []
    score = scorer(network) if steps_at_once == 1 else network.forward  # of so many calls a graph is faster
    for start in range(0, len(rows), steps_at_once * network.stride):
        chunk = to_real(rows[start : start + steps_at_once * network.stride])[None]
        logits, states = score(chunk, states)
        scores.append(tf.sigmoid(logits).numpy()[0])
    np.testing.assert_allclose(np.concatenate(scores), batch_scores(network, rows), atol=1e-5)


def test_float_streaming_equals_float_batch(network: Network, rows: np.ndarray) -> None:
    step = network.streaming().step
    windows = to_real(rows).reshape(-1, 1, network.stride, 40)
    scores = np.array([step(window).numpy()[0, 0] for window in windows])
    np.testing.assert_allclose(scores, batch_scores(network, rows), atol=1e-5)
    assert np.ptp(scores) > 0.01  # a constant would agree with anything


def test_future_rows_change_nothing(network: Network, rows: np.ndarray) -> None:
    changed = rows.copy()
    changed[180:] = -128
    before = 180 // network.stride
    np.testing.assert_allclose(
        batch_scores(network, changed)[:before], batch_scores(network, rows)[:before], atol=1e-6
    )


class TestInt8:
    def test_follows_the_float_network(
        self, network: Network, rows: np.ndarray, tflite: Path, request: pytest.FixtureRequest
    ) -> None:
        scores = StreamingModel(tflite).push(rows)[:, 0] / 256
        most = INT8_APART.get(request.node.callspec.params["network"], 0.15)
        assert np.abs(scores - batch_scores(network, rows)).max() < most

    def test_its_state_can_be_carried_by_the_caller(self, rows: np.ndarray, tflite: Path) -> None:
        model = read(tflite.read_bytes())
        states = carry_states(model)
        outputs = by_hand(written(model), states, rows)
        np.testing.assert_array_equal(outputs, StreamingModel(tflite).push(rows))

    def test_has_the_front_ends_input_scale(self, tflite: Path) -> None:
        scale, zero_point = StreamingModel(tflite).input_quantization
        assert scale == pytest.approx(0.10196078568696976, rel=1e-4)
        assert zero_point == -128

    def test_keeps_to_operations_that_esphome_runs(
        self, tflite: Path, request: pytest.FixtureRequest
    ) -> None:
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        interpreter = Interpreter(
            str(tflite), experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        )
        allowed = ESPHOME_OPERATIONS | BEYOND_ESPHOME.get(request.node.callspec.params["network"], set())
        assert {op["op_name"] for op in interpreter._get_ops_details()} <= allowed

    def test_exported_c_computes_it_as_a_microcontroller_does(
        self, rows: np.ndarray, tflite: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tflite.parent))
        without_kernel = WITHOUT_C99_KERNEL.get(request.node.callspec.params["network"])
        if without_kernel:
            with pytest.raises(ExportError, match=f"C99 has no kernel for {without_kernel}"):
                NativeModel(tflite)
            return
        model = NativeModel(tflite)
        expected = microcontroller.outputs(tflite.read_bytes(), rows, model.stride)
        np.testing.assert_array_equal(model.push(rows), expected)
        assert len(np.unique(expected)) > 5  # not the same answer to all

    def test_first_step_after_load_and_after_reset_are_the_same(self, rows: np.ndarray, tflite: Path) -> None:
        model = StreamingModel(tflite)
        first = model.push(rows)
        model.push(rows[::-1].copy())
        model.reset()
        np.testing.assert_array_equal(model.push(rows), first)


def test_softening_halves_the_logits(rows: np.ndarray) -> None:
    for name in ARCHITECTURES:
        network = build(name, {})
        sharp, _ = network.forward(to_real(rows)[None], network.zero_states(1))
        network.soften(2.0)
        soft, _ = network.forward(to_real(rows)[None], network.zero_states(1))
        np.testing.assert_allclose(soft.numpy(), sharp.numpy() / 2, rtol=1e-4, atol=1e-6)
