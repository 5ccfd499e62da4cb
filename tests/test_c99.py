"""The exported C computes what the desktop and microcontrollers do, bit for bit: tier 2 of the contract."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import community
import exported
import microcontroller
import numpy as np
import pytest
from random_graphs import RandomGraph
from signals import SIGNALS, bursts, noise

from firmware_export.c99.export import export, prepare
from firmware_export.verify import SAMPLE_RATE, Firmware, compare_with_desktop, desktop_events
from kws.bundle import Bundle, find_bundle
from kws.frontend import Frontend
from kws.types import Samples

pytestmark = pytest.mark.debian("gcc", "make")

MODELS = ["computer", str(community.manifest("okay_nabu"))]
"""A GRU and a convolutional network; tests/verification/firmware.py takes all models."""


@pytest.fixture(scope="module", params=MODELS, ids=lambda name: Path(name).stem)
def bundle(request: pytest.FixtureRequest) -> Bundle:
    return find_bundle(request.param)


@pytest.fixture(scope="module")
def firmware(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firmware]:
    with exported.firmware(bundle, tmp_path_factory.mktemp("c99") / "made") as programs:
        yield programs


@pytest.fixture(scope="module")
def recorded(recording: Callable[[str, str], Samples]) -> Samples:
    clips = [recording("picovoice-wakeword", word) for word in ("alexa", "jarvis", "computer")]
    return np.concatenate([*clips, recording("libri-test-clean", ""), recording("esc10", "")])


def model_bytes(bundle: Bundle) -> bytes:
    return bundle.model_path.read_bytes()


# Front end; the same for every model, so one will do


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firmware]:
    with exported.firmware(
        find_bundle(community.manifest("alexa")), tmp_path_factory.mktemp("c99") / "made"
    ) as programs:
        yield programs


def test_signals_give_the_rows_of_the_package(frontend, signal):
    np.testing.assert_array_equal(frontend.rows(signal), Frontend().push(signal))


def test_any_samples_give_the_rows_of_the_package(frontend):
    rng = np.random.default_rng(7)
    extremes = rng.choice([-32768, -1, 0, 1, 32767], 4 * SAMPLE_RATE).astype(np.int16)
    loudness = [noise(10**decade, seed=decade) for decade in range(5)]
    samples = np.concatenate([extremes, *loudness, np.full(SAMPLE_RATE, -32768, np.int16), extremes[::-1]])
    np.testing.assert_array_equal(frontend.rows(samples), Frontend().push(samples))


@pytest.mark.recordings
def test_recordings_give_the_rows_of_the_package(frontend, recorded):
    np.testing.assert_array_equal(frontend.rows(recorded), Frontend().push(recorded))


# Model


def test_any_rows_give_the_outputs_of_a_microcontroller(firmware, bundle):
    """Steady rows between random ones, so that recurrent state settles and saturates."""
    rng = np.random.default_rng(11)
    steady = np.repeat(rng.integers(-128, 128, (30, 40)), 30, axis=0)
    rows = np.concatenate([rng.integers(-128, 128, (600, 40)), steady]).astype(np.int8)
    expected = microcontroller.outputs(model_bytes(bundle), rows)
    np.testing.assert_array_equal(firmware.outputs(rows), expected)


@pytest.mark.recordings
def test_recordings_give_the_outputs_of_a_microcontroller(firmware, bundle, recorded):
    rows = Frontend().push(recorded)
    expected = microcontroller.outputs(model_bytes(bundle), rows)
    np.testing.assert_array_equal(firmware.outputs(rows), expected)


@pytest.mark.parametrize("seed", range(2))
def test_every_kernel_computes_as_on_a_microcontroller(seed, tmp_path):
    graph = RandomGraph(seed)
    model = graph.tflite()
    labels = [f"output {index}" for index in range(graph.width)]
    rows = graph.rng.integers(-128, 128, (150, 40)).astype(np.int8)
    expected = microcontroller.outputs(model, rows)
    with exported.firmware(exported.bundle_of(model, tmp_path, labels=labels), tmp_path / "c") as programs:
        np.testing.assert_array_equal(programs.outputs(rows), expected)
    assert len(np.unique(expected)) > 100  # not all saturated


# Events


@pytest.mark.debian("espeak-ng")
def test_events_are_those_of_the_desktop(firmware, bundle, say):
    words = [say(bundle.wake_word, voice) for voice in ("en-us", "en-us+f3", "en-gb")]
    pause = np.zeros(SAMPLE_RATE, np.int16)
    samples = np.concatenate([pause, *(part for word in words for part in (word, pause)), bursts()])
    found = compare_with_desktop(firmware, bundle, samples)
    assert found.firmware == found.expected
    assert found.holds


@pytest.mark.debian("espeak-ng")
def test_something_is_heard(say, tmp_path):
    """So that equal events are not equal silence."""
    alexa = find_bundle(community.manifest("alexa"))
    samples = np.concatenate([np.zeros(SAMPLE_RATE, np.int16), say("alexa", "en-us"), SIGNALS["silence"]])
    with exported.firmware(alexa, tmp_path / "c") as programs:
        heard = programs.events(samples)
    assert [event.label for event in heard] == ["alexa"]
    assert heard == desktop_events(alexa, samples)


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.9, 1.0])
def test_the_whole_number_threshold_is_the_detectors(threshold, tmp_path):
    """The smallest sum of five outputs that the desktop's comparison in single precision lets through."""
    project = prepare(find_bundle(community.manifest("alexa")))
    config = replace(project.detector, threshold=threshold)
    passes = [
        np.float32(s * (config.output_scale / config.window)) >= np.float32(threshold) for s in range(1276)
    ]
    assert replace(project, detector=config).threshold_sum == (
        passes.index(True) if any(passes) else len(passes)
    )


# What it is made of


def test_nothing_but_memory_functions_is_called(tmp_path):
    """No heap, no mathematics library, no input or output in the engine."""
    export(find_bundle(community.manifest("alexa")), tmp_path / "c", None)
    build = tmp_path / "build"
    subprocess.run(
        ["make", "-s", f"BUILD={build}", f"{build}/libkws.a"],
        cwd=tmp_path / "c",
        check=True,
        capture_output=True,
    )
    symbols = subprocess.run(
        ["nm", "--undefined-only", build / "libkws.a"], check=True, capture_output=True, text=True
    )
    called = {line.split()[-1] for line in symbols.stdout.splitlines() if " U " in line}
    assert {name for name in called if not name.startswith("kws_")} <= {"memcpy", "memmove", "memset"}


@pytest.mark.debian("cmake")
def test_both_ways_to_build_it_work(tmp_path):
    export(find_bundle(community.manifest("alexa")), tmp_path / "c", None)
    commands = [["cmake", "-S", tmp_path / "c", "-B", tmp_path / "b"], ["cmake", "--build", tmp_path / "b"]]
    for command in commands:
        subprocess.run(command, check=True, capture_output=True)
    silence = np.zeros(SAMPLE_RATE, np.int16).tobytes()
    listened = subprocess.run([tmp_path / "b" / "listen"], input=silence, capture_output=True, check=True)
    assert listened.stdout == b""


def test_a_label_of_any_text_is_printed_as_it_is(tmp_path):
    label = 'ça "va"? \\n%d */'
    bundle = exported.bundle_of(community.tflite("alexa").read_bytes(), tmp_path, labels=[label])
    with exported.firmware(bundle, tmp_path / "c") as programs:
        assert programs.events(np.zeros(SAMPLE_RATE, np.int16)) == ()
    model = (tmp_path / "c" / "generated" / "kws_model.c").read_text(encoding="utf-8")
    assert "\\303\\247a \\042va\\042\\077 \\134n%d */" in model
