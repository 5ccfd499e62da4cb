"""The float scorer hears what the detector would, and refuses weights that do not fit."""

from pathlib import Path

import keras
import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
tf = pytest.importorskip("tensorflow")

from kws.bundle import Bundle  # noqa: E402
from kws.detector import Detector, DetectorConfig  # noqa: E402
from kws.errors import KwsError  # noqa: E402
from kws.model import StreamingModel  # noqa: E402
from training.float_figures import FloatScorer  # noqa: E402
from training.int8.quantize import quantize  # noqa: E402
from training.learning.checkpoint import load_weights, save_weights  # noqa: E402
from training.models import build  # noqa: E402

NETWORK = {"name": "gru", "filters": 8, "units": [8]}


def bundle(folder: Path) -> Bundle:
    return Bundle(
        name="word", manifest_path=folder / "word.json", model_path=folder / "word.tflite", wake_word="word",
        labels=("word",), threshold=0.5, window=4, card={"recipe": {"network": NETWORK}},
    )  # fmt: skip


@pytest.fixture
def rows() -> np.ndarray:
    walk = np.random.default_rng(2).normal(size=(1000, 40)).cumsum(axis=0) * 4
    return np.clip(walk, -128, 127).astype(np.int8)


def test_follows_the_int8_score_track(tmp_path: Path, rows: np.ndarray) -> None:
    keras.utils.set_random_seed(1)
    network = build("gru", {"filters": 8, "units": [8]})
    save_weights(tmp_path / "word.weights.npz", network)
    (tmp_path / "word.tflite").write_bytes(quantize(network, rows))
    track = FloatScorer(bundle(tmp_path), tmp_path / "word.weights.npz")(rows)
    outputs = StreamingModel(tmp_path / "word.tflite").push(rows)[:, 0]
    expected = Detector(DetectorConfig(threshold=0.5, window=4)).smooth(outputs)
    assert track.score.shape == expected.shape == (333,)
    assert np.abs(track.score - expected).max() < 0.05
    assert track.time[0] == pytest.approx(0.05)  # three rows: 30 ms and two more steps of 10 ms


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    save_weights(tmp_path / "small.npz", build("gru", {"filters": 8, "units": [8]}))
    with pytest.raises(KwsError, match=r"small\.npz: weights of another network"):
        load_weights(tmp_path / "small.npz", build("gru", {"filters": 9, "units": [8]}))
