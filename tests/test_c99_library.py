"""The five functions of the exported C, called from outside: any split, reset, memory, queue of events."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

import exported
import numpy as np
import pytest
from signals import bursts
from tflite_builder import GraphBuilder

from firmware_export.c99.export import export
from firmware_export.verify import desktop_events
from kws.bundle import Bundle
from kws.types import Samples

pytestmark = pytest.mark.debian("gcc", "make")

ROW_SCALE = 0.10196078568696976
LABELS = 3
QUEUE = LABELS + 3


class Event(ctypes.Structure):
    """struct kws_event."""

    _fields_ = (("end", ctypes.c_uint64), ("score", ctypes.c_uint32), ("label", ctypes.c_uint32))


class Engine:
    """One engine in memory of its own."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self.code = library
        self.memory = (ctypes.c_uint64 * (library.kws_size() // 8))()
        self.handle = library.kws_init(self.memory, ctypes.sizeof(self.memory))
        assert self.handle == ctypes.addressof(self.memory)

    def push(self, samples: Samples) -> int:
        return int(self.code.kws_push(self.handle, samples.ctypes.data_as(ctypes.c_void_p), len(samples)))

    def poll(self) -> list[tuple[int, int, int]]:
        found, event = [], Event()
        while self.code.kws_poll(self.handle, ctypes.byref(event)):
            found.append((event.label, event.end, event.score))
        return found

    def hear(self, *pieces: Samples) -> list[tuple[int, int, int]]:
        heard = []
        for piece in pieces:
            while len(piece):
                piece = piece[self.push(piece) :]
                heard += self.poll()
        return heard


def model() -> bytes:
    """Answers with channels 5, 6 and 7 of each row: events come and go as often as the sound does."""
    graph = GraphBuilder()
    rows = graph.tensor("int8", (1, 1, 40), ROW_SCALE, -128)
    bounds = [graph.constant(np.array(v, np.int32)) for v in ((0, 0, 5), (1, 1, 5 + LABELS), (1, 1, 1))]
    part = graph.tensor("int8", (1, 1, LABELS), ROW_SCALE, -128)
    graph.op("STRIDED_SLICE", [rows, *bounds], [part], 2, "StridedSlice")
    flat = graph.tensor("int8", (1, LABELS), ROW_SCALE, -128)
    graph.op("RESHAPE", [part, graph.constant(np.array([1, LABELS], np.int32))], [flat], options="Reshape")
    output = graph.tensor("uint8", (1, LABELS), 1 / 32)
    graph.op("QUANTIZE", [flat], [output], options="Quantize")
    return graph.tflite([rows], [output])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    directory = tmp_path_factory.mktemp("bundle")
    labels = ["one", "two", "three"]
    return exported.bundle_of(model(), directory, labels=labels, warmup_rows=6, refractory_seconds=0.03)


@pytest.fixture(scope="module")
def library(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    directory = tmp_path_factory.mktemp("library") / "c"
    export(bundle, directory, None)
    return shared_library(directory)


def shared_library(directory: Path) -> ctypes.CDLL:
    path = directory / "libkws.so"
    sources = [*directory.glob("src/*.c"), *directory.glob("generated/*.c")]
    includes = [f"-I{directory / name}" for name in ("include", "src", "generated")]
    subprocess.run(
        ["gcc", "-std=c99", "-O1", "-fPIC", "-shared", *includes, *sources, "-o", path], check=True
    )
    library = ctypes.CDLL(str(path))
    library.kws_size.restype = ctypes.c_size_t
    library.kws_init.restype = ctypes.c_void_p
    library.kws_init.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    library.kws_push.restype = ctypes.c_size_t
    library.kws_push.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    library.kws_poll.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.kws_reset.argtypes = [ctypes.c_void_p]
    return library


def pieces(samples: Samples, seed: int) -> list[Samples]:
    """Of any length, some empty."""
    cuts = np.random.default_rng(seed).integers(0, len(samples), 300)
    return np.split(samples, np.sort(np.concatenate([cuts, cuts[:20]])))


def test_any_split_gives_the_desktops_events(library, bundle):
    samples = bursts()
    expected = [(bundle.labels.index(event.label), event.end) for event in desktop_events(bundle, samples)]
    assert len(expected) > 2 * QUEUE
    for split in (pieces(samples, 1), pieces(samples, 2), [samples], np.split(samples, len(samples) // 16)):
        assert sorted((end, label) for label, end, _ in Engine(library).hear(*split)) == sorted(
            (end, label) for label, end in expected
        )


def test_a_full_queue_takes_no_more_samples_and_loses_no_event(library):
    samples = bursts()
    engine, slow = Engine(library), Engine(library)
    taken = slow.push(samples)
    assert taken < len(samples)
    assert slow.push(samples[taken:]) == 0
    waiting = slow.poll()
    assert QUEUE - LABELS < len(waiting) <= QUEUE
    assert waiting + slow.hear(samples[taken:]) == engine.hear(samples)


def test_reset_equals_new(library):
    samples = bursts()
    used, fresh = Engine(library), Engine(library)
    used.push(bursts(seed=1)[:20_001])
    library.kws_reset(used.handle)
    assert bytes(used.memory) == bytes(fresh.memory)
    assert used.hear(samples) == fresh.hear(samples)


def test_engines_do_not_know_of_each_other(library):
    samples, other = bursts(), bursts(seed=1)
    one, two, alone = Engine(library), Engine(library), Engine(library)
    heard = []
    for piece, disturbance in zip(pieces(samples, 3), pieces(other, 4), strict=True):
        heard += one.hear(piece)
        two.hear(disturbance)
    assert heard == alone.hear(samples)


def test_memory_that_will_not_do_is_refused(library):
    size = library.kws_size()
    memory = (ctypes.c_uint64 * (size // 8 + 1))()
    start = ctypes.addressof(memory)
    assert library.kws_init(start, size) == start
    assert library.kws_init(start, size - 1) is None
    assert library.kws_init(start + 1, size) is None
    assert library.kws_init(None, size) is None


def test_an_engine_stays_within_its_memory(library):
    size = library.kws_size()
    memory = (ctypes.c_uint64 * (size // 8 + 16))(*[0xA5A5A5A5A5A5A5A5] * (size // 8 + 16))
    engine = Engine(library)
    engine.handle = library.kws_init(ctypes.addressof(memory), size)
    engine.hear(bursts())
    assert set(memory[size // 8 :]) == {0xA5A5A5A5A5A5A5A5}
