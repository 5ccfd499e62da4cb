"""Exported C on emulated small processors: the bits of the desktop, whatever instructions they have."""

from __future__ import annotations

from pathlib import Path

import community
import emulated
import exported
import microcontroller
import numpy as np
import pytest
from emulated import MACHINES, Machine
from random_graphs import RandomGraph
from signals import SIGNALS, bursts

from firmware_export.c99.export import export, prepare
from firmware_export.verify import desktop_events
from kws.bundle import find_bundle
from kws.frontend import Frontend
from kws.types import SAMPLE_RATE, Samples

pytestmark = [
    pytest.mark.debian("gcc-arm-none-eabi", "qemu-system-arm", "espeak-ng"),
    pytest.mark.debian("gcc-riscv64-unknown-elf", "qemu-system-misc"),
]

ALEXA = find_bundle(community.manifest("alexa"))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("emulated") / "c"
    export(ALEXA, directory, None)
    return directory


@pytest.fixture(scope="module")
def spoken(say) -> Samples:
    pause = np.zeros(SAMPLE_RATE // 2, np.int16)
    return np.concatenate([pause, say("alexa"), pause])


PLAIN = ("Cortex-M3", "RV32IMAC")
"""Without vector instructions; here they stand for the others, all of which tests/verification takes."""
VECTORS = ("Cortex-M4F", "Cortex-M55")
"""With the DSP extension, with Helium."""


def machine_of(name: str) -> Machine:
    return next(machine for machine in MACHINES if machine.name == name)


@pytest.mark.parametrize("name", PLAIN)
def test_a_processor_computes_the_same_bits(name, project, spoken, tmp_path):
    found = emulated.run(machine_of(name), project, spoken, tmp_path)
    rows = Frontend().push(spoken)
    outputs = microcontroller.outputs(ALEXA.model_path.read_bytes(), rows)
    outputs[: prepare(ALEXA).detector.warmup] = 0
    assert found.rows == len(rows)
    assert found.row_sum == emulated.checksum(rows)
    assert found.output_sum == emulated.checksum(outputs)
    assert tuple(end for end, _ in found.events) == tuple(e.end for e in desktop_events(ALEXA, spoken))
    assert found.events
    assert found.memory == prepare(ALEXA).sizes["KWS_SIZE"]
    assert found.stack < 2048


@pytest.mark.parametrize("name", VECTORS)
def test_rows_of_any_length_suit_its_vectors(name, tmp_path):
    """Every kernel, depths that no vector divides."""
    graph = RandomGraph(3)
    labels = [f"{index}" for index in range(graph.width)]
    bundle = exported.bundle_of(graph.tflite(), tmp_path, labels=labels, warmup_rows=0)
    export(bundle, tmp_path / "c", None)
    samples = bursts()[: SAMPLE_RATE // 4]
    found = emulated.run(machine_of(name), tmp_path / "c", samples, tmp_path)
    rows = Frontend().push(samples)
    outputs = microcontroller.outputs(bundle.model_path.read_bytes(), rows)
    assert found.row_sum == emulated.checksum(rows)
    assert found.output_sum == emulated.checksum(outputs)
    assert len(np.unique(outputs)) > 50


@pytest.mark.parametrize("name", VECTORS)
def test_the_front_ends_vectors_overflow_as_the_portable_form_does(name, project, tmp_path):
    """Signals at and beyond the limits of 16 bits."""
    samples = np.concatenate([signal[: SAMPLE_RATE // 10] for signal in SIGNALS.values()])
    found = emulated.run(machine_of(name), project, samples, tmp_path)
    assert found.row_sum == emulated.checksum(Frontend().push(samples))
