"""The engine "c99": the exported C behind kws's own interfaces computes what desktop and devices do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import community
import exported
import microcontroller
import numpy as np
import pytest
from random_graphs import RandomGraph
from signals import bursts
from tflite_builder import GraphBuilder

import kws
from firmware_export.errors import ExportError
from firmware_export.native import identity, libraries, project
from firmware_export.native.stages import NativeFrontend, NativeModel
from kws import cli
from kws.bundle import find_bundle
from kws.encoders.full_band import FullBandConfig
from kws.errors import KwsError
from kws.events import Detection
from kws.frontend import Frontend
from kws.model import open_model
from kws.selftest import OTHER_KERNELS, bundled_recordings, differences
from kws.sources.whole import read_samples
from kws.types import Block, Rows, Samples

pytestmark = pytest.mark.debian("gcc")

CALLS = next(recording.audio for recording in bundled_recordings() if recording.audio.stem == "calls")
MODELS = ["computer", str(community.manifest("okay_nabu"))]


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of its own, filled by the first test that needs a library."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setenv("KWS_ENGINE", "")  # so that what the tests' command lines set is undone
        yield folder


@pytest.fixture(scope="module")
def calls() -> Samples:
    return read_samples(CALLS)


def pieces(items: np.ndarray, seed: int) -> list[np.ndarray]:
    """Of any length, some empty."""
    cuts = np.random.default_rng(seed).integers(0, len(items), 40)
    return np.split(items, np.sort(np.concatenate([cuts, cuts[:5]])))


def random_rows(count: int = 600) -> Rows:
    """With steady ones after them, so that recurrent state settles and saturates."""
    rng = np.random.default_rng(11)
    steady = np.repeat(rng.integers(-128, 128, (10, 40)), 30, axis=0)
    return np.concatenate([rng.integers(-128, 128, (count, 40)), steady]).astype(np.int8)


# Stages


def test_rows_are_those_of_the_default_front_end(signal):
    np.testing.assert_array_equal(NativeFrontend().push(signal), Frontend().push(signal))


def test_any_split_of_the_samples_gives_the_same_rows_and_reset_equals_new(calls):
    front_end = NativeFrontend()
    for seed in range(3):
        rows = np.concatenate([front_end.push(piece) for piece in pieces(calls, seed)])
        np.testing.assert_array_equal(rows, Frontend().push(calls))
        assert len(front_end.flush()) == 0
        front_end.reset()
    np.testing.assert_array_equal(front_end.push(calls[::-1]), Frontend().push(calls[::-1]))


@pytest.mark.parametrize("wrong", [np.zeros(160), np.zeros((160, 1), np.int16)])
def test_other_samples_are_refused(wrong):
    with pytest.raises(ValueError, match="samples must be int16"):
        NativeFrontend().push(wrong)


@pytest.mark.parametrize("name", MODELS, ids=lambda name: Path(name).stem)
def test_outputs_are_those_of_a_microcontroller(name):
    path, rows = find_bundle(name).model_path, random_rows()
    model = NativeModel(path)
    expected = microcontroller.outputs(path.read_bytes(), rows)
    for seed in range(2):
        outputs = np.concatenate([model.push(piece) for piece in pieces(rows, seed)])
        np.testing.assert_array_equal(outputs, expected)
        assert len(model.flush()) == 0
        model.reset()


def test_what_compilers_make_of_every_kernel_computes_as_a_microcontroller(tmp_path):
    """With this processor's vector instructions, which the exported project's own tests do without."""
    graph = RandomGraph(0)
    bundle = exported.bundle_of(graph.tflite(), tmp_path, labels=[str(n) for n in range(graph.width)])
    rows = graph.rng.integers(-128, 128, (150, 40)).astype(np.int8)
    expected = microcontroller.outputs(bundle.model_path.read_bytes(), rows)
    np.testing.assert_array_equal(NativeModel(bundle.model_path).push(rows), expected)


@pytest.mark.parametrize("name", MODELS, ids=lambda name: Path(name).stem)
def test_a_model_says_of_itself_what_litert_says(name):
    bundle = find_bundle(name)
    ours, theirs = replace(bundle, engine="c99").open_model(), bundle.open_model()
    for what in ("stride", "channels", "labels", "input_quantization", "output_quantization", "delegate"):
        assert getattr(ours, what) == getattr(theirs, what)


def test_two_models_in_turn_keep_their_states_apart():
    path, rows = find_bundle("computer").model_path, random_rows(90)
    expected = NativeModel(path).push(rows)
    one, other = NativeModel(path), NativeModel(path)
    heard = []
    for piece, disturbance in zip(pieces(rows, 1), pieces(rows[::-1].copy(), 2), strict=True):
        heard.append(one.push(piece))
        other.push(disturbance)
    np.testing.assert_array_equal(np.concatenate(heard), expected)


# Engine


def heard(engine: kws.Engine, samples: Samples) -> list[Detection]:
    return [event for event in engine.push(Block(samples)) if isinstance(event, Detection)]


def test_events_are_those_of_the_default_engine(calls):
    names = kws.bundled_names()
    expected, found = (
        heard(kws.load(*names, confirm="none"), calls),
        heard(kws.load(*names, engine="c99"), calls),
    )
    assert len(expected) >= len(names)
    assert differences(expected, found, OTHER_KERNELS) == []


def test_the_environment_chooses_for_all_that_does_not_say(monkeypatch):
    monkeypatch.setenv("KWS_ENGINE", "c99")
    engine = kws.load("computer")
    assert isinstance(engine.wake_words[0].model, NativeModel)
    assert [type(front_end) for front_end in engine.front_ends.values()] == [NativeFrontend]
    assert not isinstance(find_bundle("computer").open_model(reference_kernels=True), NativeModel)
    chosen = kws.load("computer", engine="litert")
    assert not isinstance(chosen.wake_words[0].model, NativeModel)


def test_an_unknown_engine_is_refused():
    with pytest.raises(KwsError, match=r"engine c98: .* there are litert, c99"):
        kws.load("computer", engine="c98")


def test_a_delegate_is_refused(capsys):
    assert cli.main(["run", "--engine", "c99", "--delegate", "some.so", str(CALLS)]) == cli.BAD_INPUT
    assert "delegates are LiteRT's" in capsys.readouterr().err


def test_a_model_that_c_cannot_express_is_refused(tmp_path):
    graph = GraphBuilder()
    rows = graph.tensor("int8", (1, 1, 40), 0.1, -128)
    larger = graph.tensor("int8", (1, 1, 40), 0.1, -128)
    graph.op("MAXIMUM", [rows, rows], [larger], options="MaximumMinimum")
    path = tmp_path / "maximum.tflite"
    path.write_bytes(graph.tflite([rows], [larger]))
    with pytest.raises(KwsError, match="C99 has no kernel for MAXIMUM"):
        NativeModel(path)


def test_the_recognizers_upper_layers_are_within_one_of_portable_kernels():
    path = kws.bundle.MODELS / "english.tflite"
    rows = np.random.default_rng(2).integers(-128, 128, (60, FullBandConfig().channels)).astype(np.int8)
    found, expected = NativeModel(path).push(rows), open_model(path, reference_kernels=True).push(rows)
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert len(np.unique(found)) > 50


def test_a_damaged_description_is_refused_in_one_line_or_still_makes_sense(tmp_path):
    """Numbers behind a model's weights changed at random."""
    content = find_bundle("computer").model_path.read_bytes()
    rng = np.random.default_rng(5)
    refused = []
    for number in range(40):
        damaged = bytearray(content)
        for place in rng.integers(len(content) * 3 // 4, len(content), 8):
            damaged[place] = rng.integers(0, 256)
        path = tmp_path / f"{number}.tflite"
        path.write_bytes(damaged)
        try:
            project.sources(path)
        except KwsError as error:
            refused.append(str(error))
    assert len(refused) > 10
    assert not any("\n" in line for line in refused)


def test_shapes_that_do_not_fit_together_are_refused(tmp_path):
    """The kernels trust them: more outputs than weights would be filled from beyond them."""
    graph = GraphBuilder()
    rows = graph.tensor("int8", (1, 1, 40), 0.1, -128)
    weights = graph.constant(np.ones((2, 40), np.int8), (0.1,))
    wide = graph.tensor("int8", (1, 3), 0.1)
    graph.op("FULLY_CONNECTED", [rows, weights], [wide], options="FullyConnected")
    output = graph.tensor("uint8", (1, 3), 1 / 256)
    graph.op("QUANTIZE", [wide], [output], options="Quantize")
    path = tmp_path / "wrong.tflite"
    path.write_bytes(graph.tflite([rows], [output]))
    with pytest.raises(ExportError, match="input, weights and output do not fit together"):
        NativeModel(path)


# Libraries


def test_a_library_is_made_once(cache, monkeypatch):
    NativeFrontend()
    made = sorted(cache.rglob("front-end-*.so"))
    assert len(made) == 1
    monkeypatch.setenv("CC", "no-such-compiler")
    NativeFrontend()
    assert sorted(cache.rglob("front-end-*.so")) == made


def test_with_a_library_that_was_made_nothing_is_translated_nor_litert_loaded(cache):
    kws.load("computer", engine="c99")
    program = "import sys, kws; kws.load('computer', engine='c99'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "firmware_export.native.libraries" in loaded
    needless = {"firmware_export.c99", "firmware_export.graph", "firmware_export.native.compiler"}
    assert loaded & {*needless, "_hashlib", "ai_edge_litert", "subprocess"} == set()


def test_without_a_compiler_a_new_model_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(ExportError, match=r"there is no no-such-compiler here; install one"):
        NativeFrontend()


def test_a_compiler_that_fails_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CC", "false")
    with pytest.raises(ExportError, match=r"false cannot build it"):
        NativeFrontend()
    assert list(tmp_path.rglob("*.so")) == []


def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert NativeFrontend().push(np.zeros(480, np.int16)).shape == (1, 40)


def test_a_shipped_library_comes_first(cache, tmp_path, monkeypatch):
    NativeFrontend()
    (made,) = cache.rglob("front-end-*.so")
    shipped = tmp_path / libraries.SHIPPED / f"front-end-{identity.digest(None)}.so"
    shipped.parent.mkdir(parents=True)
    shipped.write_bytes(made.read_bytes())
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    monkeypatch.setenv("CC", "no-such-compiler")
    assert len(NativeFrontend().push(bursts())) > 0


def test_a_library_for_another_machine_is_named(tmp_path):
    path = tmp_path / "other.so"
    path.write_bytes(b"\x7fELF of something else")
    with pytest.raises(ExportError, match=r"other\.so: cannot be loaded .* delete it"):
        libraries.Library(path)


def test_a_model_that_changes_gets_another_library(tmp_path):
    one, other = tmp_path / "one.tflite", tmp_path / "other.tflite"
    one.write_bytes(b"1")
    other.write_bytes(b"2")
    assert len({identity.digest(one), identity.digest(other), identity.digest(None)}) == 3


# Without the default engine's packages

_WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Missing())
from kws.cli import main
sys.exit(main())
"""
ABSENT = {"ai_edge_litert", "flatbuffers", "micro_features_cpp", "soundfile", "soxr", "sounddevice"}


def run_without(packages: set[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    program = _WITHOUT.format(packages=packages)
    environment = {**os.environ, "KWS_ENGINE": ""}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_numpy_and_click_are_enough(tmp_path, calls):
    import wave

    path = tmp_path / "calls.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(calls.tobytes())
    done = run_without(ABSENT, "run", "--engine", "c99", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert '"name": "computer"' in done.stdout


@pytest.mark.parametrize("package", ["sounddevice", "_cffi_backend"])
def test_without_what_microphones_need_it_is_named(package):
    done = run_without({package}, "devices")
    assert done.returncode == cli.BAD_INPUT
    assert done.stderr.startswith("kws: mic: microphones need sounddevice (No module named")
    assert done.stderr.count("\n") == 1


def test_without_litert_the_other_engine_is_named():
    for package, said in (("ai_edge_litert", "ai-edge-litert"), ("micro_features_cpp", "pymicro-features")):
        done = run_without({package}, "run", str(CALLS))
        assert done.returncode == cli.BAD_INPUT
        assert done.stderr.startswith(f"kws: {said} is not installed")
        assert "--engine c99" in done.stderr
        assert done.stderr.count("\n") == 1
