"""The encoder of the recognizer: what the published network's lower layers say, however the audio is cut."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from kws.encoders.logmel import LogMel
from kws.encoders.lower_layers import LowerLayers, LowerLayersConfig
from kws.encoders.network import read_layers
from kws.encoders.speech_embedding import published_network
from kws.encoders.streaming import Float32, streaming_model
from kws.errors import KwsError
from kws.types import Samples

CONFIG = LowerLayersConfig()


def noise(seconds: float) -> Samples:
    return np.random.default_rng(3).normal(0, 1000, int(16000 * seconds)).astype(np.int16)


def in_floating_point(samples: Samples) -> np.ndarray:
    layers = read_layers(published_network())[: CONFIG.layers]
    graph = streaming_model(layers, CONFIG.rows, CONFIG.embedding.log_mel.channels, Float32())
    interpreter = Interpreter(model_content=graph)
    interpreter.allocate_tensors()
    source, sink = (
        part()[0]["index"] for part in (interpreter.get_input_details, interpreter.get_output_details)
    )
    rows, found = LogMel().push(samples), []
    for first in range(0, len(rows) - CONFIG.rows + 1, CONFIG.rows):
        interpreter.set_tensor(source, rows[None, first : first + CONFIG.rows])
        interpreter.invoke()
        found.append(interpreter.get_tensor(sink)[0])
    return np.array(found)


@pytest.mark.recordings
def test_int8_says_what_the_published_weights_say(recording: Callable[[str, str], Samples]) -> None:
    samples = recording("libri-test-clean", "")[: 16000 * 8]
    exact = in_floating_point(samples)
    heard = (LowerLayers().push(samples).astype(np.float32) - CONFIG.zero_point) * CONFIG.scale
    assert heard.shape == exact.shape == (len(exact), CONFIG.values)
    assert np.abs(heard - exact).mean() < 0.1 * exact.std()
    assert np.corrcoef(heard.ravel(), exact.ravel())[0, 1] > 0.99


def test_any_split_gives_the_same_and_a_reset_is_as_new() -> None:
    samples, stage = noise(1.0), LowerLayers()
    whole = stage.push(samples)
    assert whole.shape == (24, CONFIG.values)
    stage.reset()
    pieces = [stage.push(part) for part in np.split(samples, [1, 399, 400, 5000, 5001])]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert stage.flush().shape == (0, CONFIG.values)


def test_the_scale_is_that_of_the_graph() -> None:
    stage = LowerLayers()
    assert (stage.scale, stage.zero_point) == (pytest.approx(CONFIG.scale), CONFIG.zero_point)


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Though the graph was kept from when it was there."""
    LowerLayers()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(KwsError, match=r"pip install 'kws\[encoder\]'"):
        LowerLayers()
