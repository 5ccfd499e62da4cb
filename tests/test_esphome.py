"""What is exported for ESPHome: its schema takes it, its operators suffice, its runtime hears the same."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path

import community
import exported
import numpy as np
import pytest
from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures
from tflite_builder import GraphBuilder

import kws
from firmware_export import esphome
from firmware_export.errors import ExportError
from firmware_export.graph import read_graph
from kws.bundle import find_bundle
from kws.engine import Engine, WakeWord
from kws.frontend import FrontendConfig
from kws.types import SAMPLE_RATE, Block, Samples

MODELS = [*kws.bundled_names(), *map(str, map(community.manifest, community.NAMES))]
ARENA = 30_000
ROW_SCALE = 0.10196078568696976


def written(model: str, directory: Path) -> Path:
    """The manifest of an export."""
    esphome.export(find_bundle(model), directory, None, ARENA)
    return directory / f"{Path(model).stem}.json"


@pytest.fixture
def manifest(tmp_path: Path) -> dict:
    return json.loads(written(str(community.manifest("alexa")), tmp_path / "esp").read_text())


@pytest.mark.parametrize("model", MODELS, ids=lambda model: Path(model).stem)
def test_models_keep_to_the_rules(model, tmp_path):
    path = written(model, tmp_path / "esp")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    esphome.check_manifest(manifest)
    assert "kws" not in manifest
    assert manifest["micro"]["tensor_arena_size"] == ARENA
    assert manifest["micro"]["probability_cutoff"] == find_bundle(model).threshold
    assert (path.parent / manifest["model"]).read_bytes() == find_bundle(model).model_path.read_bytes()
    assert f"model: {path.name}" in path.with_suffix(".yaml").read_text(encoding="utf-8")


def detections_of_its_runtime(manifest: Path, samples: Samples) -> list[float]:
    """Ends in seconds by pymicro-wakeword; once per crossing, quiet for a second after each."""
    model, features = MicroWakeWord.from_config(manifest), MicroWakeWordFeatures()
    ends: list[float] = []
    armed = True
    for count, row in enumerate(features.process_streaming(samples.tobytes()), 1):
        heard = model.process_streaming(row)
        if count % model.stride:
            continue
        end = FrontendConfig().rows_end(count) / SAMPLE_RATE
        if heard and armed and (not ends or end - ends[-1] >= 1.0):
            ends.append(end)
        armed = not heard
    return ends


@pytest.mark.debian("espeak-ng")
@pytest.mark.parametrize("model", MODELS, ids=lambda model: Path(model).stem)
def test_its_runtime_hears_what_we_hear(model, say, tmp_path):
    """Word by word, at nearly the same moment: that package quantizes rows in its own way, which is up to one
    unit from ESPHome's and ours, and its kernels are others (see test_parity.py)."""
    word = find_bundle(model)
    pause = np.zeros(SAMPLE_RATE, np.int16)
    spoken = [say(word.wake_word.lower(), voice) for voice in ("en-us", "en-us+f3", "en-gb")]
    samples = np.concatenate([pause, *(part for one in spoken for part in (one, pause))])
    theirs = detections_of_its_runtime(written(model, tmp_path / "esp"), samples)
    ours = [event.end for event in Engine([WakeWord(word)]).push(Block(samples))]
    assert len(ours) == len(theirs) > 0
    np.testing.assert_allclose(ours, theirs, atol=0.2)


# Refusals

WRONG = {
    "kws": ({"format": 1}, "refuses the key kws"),
    "type": ("wake", "value of type"),
    "version": (1, "value of version"),
    "website": ("kws.local", "value of website"),
    "author": (None, "needs the key author"),
    "trained_languages": ([1], "value of trained_languages"),
    "wake_word": (5, "wake_word has a type"),
    "micro.feature_step_size": (31, "value of micro.feature_step_size"),
    "micro.probability_cutoff": (1.5, "value of micro.probability_cutoff"),
    "micro.sliding_window_size": (0, "value of micro.sliding_window_size"),
    "micro.tensor_arena_size": ("many", "micro.tensor_arena_size has a type"),
    "micro.minimum_esphome_version": ("new", "value of micro.minimum_esphome_version"),
    "micro.more": (1, "refuses the key micro.more"),
}


@pytest.mark.parametrize("key", WRONG)
def test_a_manifest_that_esphome_refuses_is_refused_by_key(manifest, key):
    value, message = WRONG[key]
    changed = copy.deepcopy(manifest)
    place = changed["micro"] if key.startswith("micro.") else changed
    name = key.removeprefix("micro.")
    if value is None:
        del place[name]
    else:
        place[name] = value
    with pytest.raises(ExportError, match=message):
        esphome.check_manifest(changed)


def model_with(op: str, options: str, labels: int, path: Path) -> Path:
    graph = GraphBuilder()
    rows = graph.tensor("int8", (1, 1, 40), ROW_SCALE, -128)
    made = graph.tensor("int8", (1, 1, 40), 0.1, 0)
    graph.op(op, [rows], [made], 1, options)
    flat = graph.tensor("int8", (1, labels), 0.1, 0)
    weights = graph.constant(np.ones((labels, 40), np.int8), 0.01)
    graph.op("FULLY_CONNECTED", [made, weights, -1], [flat], 4, "FullyConnected")
    output = graph.tensor("uint8", (1, labels), 1 / 256)
    graph.op("QUANTIZE", [flat], [output], options="Quantize")
    return exported.bundle_of(
        graph.tflite([rows], [output]), path, labels=[str(i) for i in range(labels)]
    ).model_path


def test_an_operator_that_esphome_lacks_is_named(tmp_path):
    graph = read_graph(model_with("TANH", "", 1, tmp_path))
    with pytest.raises(ExportError, match=r"TANH that makes tensor 1 't1' .* ESPHome has no TANH"):
        esphome.check_graph(graph)


def test_two_outputs_are_refused(tmp_path):
    graph = read_graph(model_with("LOGISTIC", "", 2, tmp_path))
    with pytest.raises(ExportError, match="one label per model"):
        esphome.check_graph(graph)


def test_more_variables_than_it_has_room_for_are_refused():
    graph = read_graph(community.tflite("alexa"))
    many = {index: f"variable {index}" for index in range(21)}
    graph = replace(graph, variables=many)
    with pytest.raises(ExportError, match="21 resource variables"):
        esphome.check_graph(graph)
