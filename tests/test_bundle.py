"""Bundles: what loads, and the refusal of what does not, each naming the file, the finding and the remedy."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import community
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_tflite import ROW_SCALE, ROWS, SCORE, Tensor, tiny_model

import kws.bundle
from kws.bundle import Bundle, bundled_names, find_bundle, read_bundle, write_bundle
from kws.errors import BundleError
from kws.frontend import FrontendConfig

ESPHOME = {
    "type": "micro",
    "wake_word": "Hey You",
    "author": "somebody",
    "model": "hey_you.tflite",
    "trained_languages": ["en"],
    "version": 2,
    "micro": {
        "probability_cutoff": 0.9,
        "feature_step_size": 10,
        "sliding_window_size": 4,
        "tensor_arena_size": 20_000,
        "minimum_esphome_version": "2024.7.0",
    },
}
OURS = {
    "labels": ["hey you"],
    "refractory_seconds": 1.5,
    "warmup_rows": 20,
    "word_seconds": 0.6,
    "calibration": [{"threshold": 0.5, "misses": 0.1}],
    "card": {"licence": "Apache-2.0", "seed": 7},
}


@pytest.fixture
def folder(tmp_path) -> Path:
    """A directory with one good bundle of ours, hey_you."""
    write_bundle(tmp_path, "hey_you", tiny_model(), {**ESPHOME, "kws": OURS})
    return tmp_path


def rewritten(folder: Path, changes: dict) -> Path:
    """Change the manifest there; {"micro.feature_step_size": 20}, ... removes the key. Returns its path."""
    path = folder / "hey_you.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for place, value in changes.items():
        *parents, key = place.split(".")
        table = manifest
        for parent in parents:
            table = table[parent]
        if value is ...:
            del table[key]
        else:
            table[key] = value
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return path


def refusal(action, *arguments) -> str:
    """The text with which an action refuses: one line, without the traceback's words."""
    with pytest.raises(BundleError) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# What loads


def test_what_is_written_is_read(folder):
    bundle = read_bundle(folder / "hey_you.json")
    assert (bundle.name, bundle.wake_word, bundle.labels) == ("hey_you", "Hey You", ("hey you",))
    assert (bundle.threshold, bundle.window) == (0.9, 4)
    assert (bundle.refractory_seconds, bundle.warmup_rows, bundle.word_seconds) == (1.5, 20, 0.6)
    assert (list(bundle.calibration), bundle.card) == (OURS["calibration"], OURS["card"])
    assert bundle.manifest["author"] == "somebody"
    assert bundle.open_model().stride == 3


def test_a_read_bundle_is_written_again_unchanged(folder, tmp_path):
    first = read_bundle(folder / "hey_you.json")
    again = write_bundle(tmp_path / "again", "hey_you", first.model_path.read_bytes(), first.manifest)
    assert again.read_bytes() == first.manifest_path.read_bytes()


def test_a_new_model_gets_a_new_checksum(folder, tmp_path):
    """Even when the manifest came from an older bundle and brings its checksum along."""
    old = read_bundle(folder / "hey_you.json").manifest
    bundle = read_bundle(write_bundle(tmp_path / "new", "hey_you", tiny_model(value=9), old))
    assert bundle.model_sha256 != old["kws"]["model_sha256"]
    bundle.open_model()


def test_any_script_survives(tmp_path):
    path = write_bundle(tmp_path, "größe", tiny_model(), {**ESPHOME, "wake_word": "Größe 尺寸"})
    assert "Größe 尺寸" in path.read_text(encoding="utf-8")
    assert read_bundle(path).wake_word == "Größe 尺寸"


def test_a_manifest_that_would_not_load_is_not_written_in_silence(tmp_path):
    wrong = {**ESPHOME, "micro": {**ESPHOME["micro"], "probability_cutoff": 90}}
    assert "probability_cutoff is 90" in refusal(write_bundle, tmp_path, "x", tiny_model(), wrong)


@pytest.mark.parametrize("name", community.NAMES)
def test_a_published_manifest_loads_with_esphomes_defaults(name):
    bundle = read_bundle(community.manifest(name))
    published = json.loads(community.manifest(name).read_text())
    assert bundle.threshold == published["micro"]["probability_cutoff"]
    assert bundle.window == published["micro"]["sliding_window_size"]
    assert bundle.labels == (name,)
    assert (bundle.warmup_rows, bundle.model_sha256) == (74, None)


def test_counts_of_the_detector_are_steps_of_the_model(folder):
    bundle = read_bundle(folder / "hey_you.json")
    config = bundle.detector_config(bundle.open_model())
    assert (config.threshold, config.window) == (0.9, 4)
    assert config.refractory == 50  # 1.5 s of 30 ms
    assert config.warmup == 7  # 20 rows of 3, the last begun
    assert config.output_scale == 1 / 256
    assert bundle.detector_config(bundle.open_model(), threshold=0.0).threshold == 0.0


# Where it is looked for


def test_by_directory_manifest_or_model(folder):
    expected = read_bundle(folder / "hey_you.json")
    for given_path in (folder, folder / "hey_you.json", folder / "hey_you.tflite", str(folder)):
        assert find_bundle(given_path) == expected


def test_by_bundled_name(folder, monkeypatch):
    monkeypatch.setattr(kws.bundle, "MODELS", folder)
    assert bundled_names() == ["hey_you"]
    assert find_bundle("hey_you").name == "hey_you"


def test_a_bundled_name_comes_before_a_file_of_that_name(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(kws.bundle, "MODELS", folder)
    (tmp_path / "elsewhere" / "hey_you").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert find_bundle("hey_you").name == "hey_you"
    assert "holds 0 model bundles" in refusal(find_bundle, "./hey_you")


def test_every_bundled_model_loads():
    for name in bundled_names():
        bundle = find_bundle(name)
        assert bundle.model_sha256
        bundle.open_model()


@pytest.mark.parametrize("missing", ["no_such", "no/such.json", "no_such.tflite", "nul\0", "x" * 5_000])
def test_an_unknown_name_says_what_there_is(missing, folder, monkeypatch):
    monkeypatch.setattr(kws.bundle, "MODELS", folder)
    monkeypatch.chdir(folder.parent)
    text = refusal(find_bundle, missing)
    assert text.startswith(f"{missing}: no such model")
    assert "hey_you" in text
    assert "give the path of a manifest" in text


def test_a_directory_without_a_bundle(folder):
    (folder / "hey_you.tflite").unlink()
    assert refusal(find_bundle, folder).startswith(f"{folder}: holds 0 model bundles")


def test_a_directory_with_two_asks_which(folder):
    write_bundle(folder, "other", tiny_model(), ESPHOME)
    text = refusal(find_bundle, folder)
    assert text.startswith(f"{folder}: holds 2 model bundles")
    assert "give the .json of the one to use" in text


def test_a_model_without_its_manifest(folder):
    (folder / "hey_you.json").unlink()
    text = refusal(find_bundle, folder / "hey_you.tflite")
    assert text == f"{folder / 'hey_you.tflite'}: its manifest hey_you.json is not beside it; copy it there"


# Manifests that are refused

NO_MANIFEST = {
    "empty": (b"", "not a readable JSON manifest"),
    "no JSON": (b"wake_word: hey", "not a readable JSON manifest"),
    "half": (json.dumps(ESPHOME).encode()[:100], "not a readable JSON manifest"),
    "not UTF-8": (b'{"wake_word": "\xff"}', "not a readable JSON manifest"),
    "too deep": (b"[" * 100_000, "not a readable JSON manifest"),
    "a list": (b"[1, 2]", "holds a list"),
    "a number": (b"3", "holds a int"),
}


@pytest.mark.parametrize("what", NO_MANIFEST)
def test_a_file_that_is_no_manifest(folder, what):
    content, finding = NO_MANIFEST[what]
    path = folder / "hey_you.json"
    path.write_bytes(content)
    text = refusal(read_bundle, path)
    assert text.startswith(f"{path}: {finding}")
    assert "again" in text


def test_a_manifest_that_cannot_be_read(tmp_path):
    assert "not a readable JSON manifest" in refusal(read_bundle, tmp_path)


MICRO, CUTOFF, WINDOW = "micro", "micro.probability_cutoff", "micro.sliding_window_size"
WRONG_KEYS = [
    ({"type": "macro"}, "type 'macro', version 2", 'expected "micro" and 2'),
    ({"version": 1}, "type 'micro', version 1", "version 2"),
    ({"version": ...}, "version None", "version 2"),
    ({"wake_word": ...}, "wake_word is missing", "must be text"),
    ({"wake_word": 7}, "wake_word is 7", "must be text"),
    ({"model": ...}, "model is missing", "must be text"),
    ({"model": ""}, "model is ''", "must be text"),
    ({MICRO: ...}, "micro is missing", "must be an object"),
    ({MICRO: [1]}, "micro is [1]", "must be an object"),
    ({CUTOFF: ...}, f"{CUTOFF} is missing", "number from 0 to 1"),
    ({CUTOFF: 1.01}, f"{CUTOFF} is 1.01", "number from 0 to 1"),
    ({CUTOFF: -0.1}, f"{CUTOFF} is -0.1", "number from 0 to 1"),
    ({CUTOFF: float("nan")}, f"{CUTOFF} is nan", "number from 0 to 1"),
    ({CUTOFF: float("inf")}, f"{CUTOFF} is inf", "number from 0 to 1"),
    ({CUTOFF: True}, f"{CUTOFF} is True", "number from 0 to 1"),
    ({CUTOFF: "0.9"}, f"{CUTOFF} is '0.9'", "number from 0 to 1"),
    ({CUTOFF: 10**400}, f"{CUTOFF} is 1000", "number from 0 to 1"),
    ({WINDOW: ...}, f"{WINDOW} is missing", "whole number from 1 to 1000"),
    ({WINDOW: 0}, f"{WINDOW} is 0", "whole number from 1 to 1000"),
    ({WINDOW: 1001}, f"{WINDOW} is 1001", "whole number from 1 to 1000"),
    ({WINDOW: 4.0}, f"{WINDOW} is 4.0", "whole number from 1 to 1000"),
    ({WINDOW: True}, f"{WINDOW} is True", "whole number from 1 to 1000"),
    ({"micro.feature_step_size": 20}, "feature_step_size is 20", "train the model for that step"),
    ({"micro.feature_step_size": "10"}, "feature_step_size is '10'", "whole number"),
    ({"kws": None}, "kws is None", "must be an object"),
    ({"kws": []}, "kws is []", "must be an object"),
    ({"kws.format": 2}, "kws.format is 2", "update kws or export the model anew"),
    ({"kws.format": ...}, "kws.format is None", "update kws or export the model anew"),
    ({"kws.frontend": "0123456789abcdef"}, "front end '0123456789abcdef'", "train the model again"),
    ({"kws.frontend": ...}, "made for front end None", "train the model again"),
    ({"kws.labels": "hey you"}, "kws.labels is 'hey you'", "list of at least one text"),
    ({"kws.labels": []}, "kws.labels is []", "list of at least one text"),
    ({"kws.labels": ["hey", 3]}, "kws.labels is ['hey', 3]", "list of at least one text"),
    ({"kws.refractory_seconds": -1}, "kws.refractory_seconds is -1", "number from 0"),
    ({"kws.refractory_seconds": "1"}, "kws.refractory_seconds is '1'", "number from 0"),
    ({"kws.warmup_rows": 0.5}, "kws.warmup_rows is 0.5", "whole number from 0"),
    ({"kws.warmup_rows": -3}, "kws.warmup_rows is -3", "whole number from 0"),
    ({"kws.word_seconds": float("nan")}, "kws.word_seconds is nan", "number from 0"),
    ({"kws.model_sha256": 5}, "kws.model_sha256 is 5", "must be text"),
    ({"kws.calibration": {}}, "kws.calibration is {}", "list of objects"),
    ({"kws.calibration": [1]}, "kws.calibration is [1]", "list of objects"),
    ({"kws.card": "none"}, "kws.card is 'none'", "must be an object"),
]


@pytest.mark.parametrize(("changes", "finding", "remedy"), WRONG_KEYS, ids=[case[1] for case in WRONG_KEYS])
def test_a_wrong_key_is_refused(folder, changes, finding, remedy):
    path = rewritten(folder, changes)
    text = refusal(read_bundle, path)
    assert text.startswith(f"{path}: ")
    assert finding in text
    assert remedy in text
    assert len(text) < len(str(path)) + 200  # however long the value is


# Models that are refused


def test_a_missing_model(folder):
    (folder / "hey_you.tflite").unlink()
    text = refusal(read_bundle(folder / "hey_you.json").open_model)
    assert text == f"{folder / 'hey_you.json'}: its model hey_you.tflite is not beside it; copy it there"


def test_another_model_than_described(folder):
    (folder / "hey_you.tflite").write_bytes(tiny_model(value=1))
    text = refusal(read_bundle(folder / "hey_you.json").open_model)
    assert text.startswith(f"{folder / 'hey_you.tflite'}: not the file that hey_you.json describes (SHA-256")
    assert "install the two files together" in text


WRONG_MODELS = {
    "float": (tiny_model([Tensor("float32", (1, 3, 40))]), "input is float32", "quantize it to int8"),
    "float output": (tiny_model(outputs=[Tensor("float32", (1, 1))]), "output is float32", "to uint8"),
    "channels": (
        tiny_model([Tensor("int8", (1, 3, 32), ROW_SCALE, -128)]),
        "takes 32 channels, the front end gives 40",
        "train the model on this front end",
    ),
    "scale": (
        tiny_model([Tensor("int8", (1, 3, 40), 0.09, -128)]),
        "input quantization is scale 0.09",
        "quantize it with those",
    ),
    "zero point": (
        tiny_model([Tensor("int8", (1, 3, 40), ROW_SCALE, 0)]),
        "zero point 0",
        "quantize it with those",
    ),
    "no quantization": (tiny_model([Tensor("int8", (1, 3, 40))]), "scale 0", "quantize it with those"),
    "output zero point": (
        tiny_model([ROWS], [Tensor("uint8", (1, 1), 1 / 256, 3)]),
        "output quantization is scale 0.00390625, zero point 3",
        "zero point 0",
    ),
    "output without scale": (
        tiny_model([ROWS], [Tensor("uint8", (1, 1))]),
        "output quantization is scale 0",
        "scale above 0",
    ),
    "labels": (
        tiny_model([ROWS], [Tensor("uint8", (1, 3), 1 / 256)]),
        "3 outputs but hey_you.json names 1 labels",
        "one label per output under kws.labels",
    ),
    "two outputs": (tiny_model(outputs=[SCORE, SCORE]), "2 outputs", "export it as a streaming model"),
    "garbage": (b"no model", "LiteRT cannot load it", "complete .tflite file"),
}


@pytest.mark.parametrize("what", WRONG_MODELS)
def test_a_wrong_model_is_refused(tmp_path, what):
    content, finding, remedy = WRONG_MODELS[what]
    bundle = read_bundle(write_bundle(tmp_path, "hey_you", content, ESPHOME))
    text = refusal(bundle.open_model)
    assert text.startswith(f"{tmp_path / 'hey_you.tflite'}: ")
    assert finding in text
    assert remedy in text


# Any JSON at all

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text(max_size=3), scalars, max_size=3)
good = {**ESPHOME, "kws": {"format": 1, "frontend": FrontendConfig().digest, **OURS}}
places = [(key,) for key in good] + [(key, inner) for key in ("micro", "kws") for inner in good[key]]


@st.composite
def damaged(draw: st.DrawFn) -> dict:
    """A good manifest with some of its values replaced by any other."""
    manifest = copy.deepcopy(good)
    for place in draw(st.lists(st.sampled_from(places), max_size=3)):
        table = manifest if len(place) == 1 else manifest[place[0]]
        if isinstance(table, dict):
            table[place[-1]] = draw(values)
    return manifest


@settings(max_examples=300, deadline=None)
@given(damaged() | values)
def test_any_json_is_a_bundle_or_refused(tmp_path_factory, manifest):
    path = tmp_path_factory.getbasetemp() / "fuzzed.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    bundle, text = None, ""
    try:
        bundle = read_bundle(path)
    except BundleError as error:
        text = str(error)
    if bundle is None:
        assert text.startswith(f"{path}: ")
    else:
        assert isinstance(bundle, Bundle)
        assert 0 <= bundle.threshold <= 1
        assert bundle.window >= 1
        assert all(isinstance(label, str) for label in bundle.labels)


def test_digest_is_of_this_front_end(folder):
    manifest = json.loads((folder / "hey_you.json").read_text())
    assert manifest["kws"]["frontend"] == FrontendConfig().digest
