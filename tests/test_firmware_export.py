"""kws export and kws verify-firmware from the command line: what is refused, with nothing written."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import community
import exported
import numpy as np
import pytest
import soundfile
from random_graphs import RandomGraph
from tflite_builder import GraphBuilder

import kws
from firmware_export.boards import BOARDS, check_fit
from firmware_export.c99.frontend_tables import log1p
from firmware_export.c_library import makes_same_filters
from firmware_export.errors import ExportError
from firmware_export.graph import read_graph
from firmware_export.raspberrypi import export as raspberrypi
from firmware_export.targets import TARGETS
from firmware_export.verify import Comparison, Heard
from kws.bundle import read_bundle
from kws.cli import main
from kws.frontend import FrontendConfig
from kws.types import SAMPLE_RATE

ALEXA = str(community.manifest("alexa"))
ALL_TARGETS = sorted((*TARGETS, raspberrypi.TARGET))
ROW_SCALE = 0.10196078568696976


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """The one line that a command says before it exits with 2."""
    assert main([str(argument) for argument in arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("kws: ")
    return line


def copied(directory: Path) -> dict:
    """A copy of the community's alexa, and its manifest to change."""
    directory.mkdir()
    shutil.copy(community.tflite("alexa"), directory)
    return json.loads(Path(ALEXA).read_text(encoding="utf-8"))


def one_op(op: str, options: str = "", output_scale: float = 0.1, **values: object) -> bytes:
    """A model with one operator between input and output."""
    graph = GraphBuilder()
    rows = graph.tensor("int8", (1, 1, 40), ROW_SCALE, -128)
    made = graph.tensor("int8", (1, 1, 40), output_scale, 0)
    graph.op(op, [rows], [made], 1, options, **values)
    flat = graph.tensor("int8", (1, 40), output_scale, 0)
    graph.op("RESHAPE", [made, graph.constant(np.array([1, 40], np.int32))], [flat], options="Reshape")
    output = graph.tensor("uint8", (1, 40), 1 / 256)
    graph.op("QUANTIZE", [flat], [output], options="Quantize")
    return graph.tflite([rows], [output])


def with_arena(target: str) -> list[str]:
    """So that none is measured, for the targets that have one."""
    return ["--arena", "30000"] if target in ("esphome", "tflm") else []


def bundle_of(tflite: bytes, directory: Path, labels: int = 40) -> Path:
    return exported.bundle_of(tflite, directory, labels=[str(i) for i in range(labels)]).manifest_path


@pytest.mark.parametrize(("target", "arena"), [("c99", []), ("tflm", ["--arena", "30000"])])
def test_an_unsupported_operator_is_named_with_its_tensor(capsys, tmp_path, target, arena):
    model = bundle_of(one_op("HARD_SWISH"), tmp_path / "model")
    line = refused(capsys, "export", target, model, "-o", tmp_path / "out", *arena)
    assert "HARD_SWISH that makes tensor 1 't1' (int8 [1, 1, 40])" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("target", ALL_TARGETS)
def test_a_wrong_front_end_is_refused(capsys, tmp_path, target):
    manifest = copied(tmp_path / "model")
    manifest["kws"] = {"format": 1, "frontend": "0123456789abcdef"}
    path = tmp_path / "model" / "alexa.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    line = refused(capsys, "export", target, path, "-o", tmp_path / "out", *with_arena(target))
    assert FrontendConfig().digest in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("target", ["c99", "tflm", "esphome"])
def test_a_model_too_big_for_the_board_is_refused_with_one_that_would_do(capsys, tmp_path, target):
    line = (
        refused(
            capsys,
            "export",
            target,
            ALEXA,
            "-o",
            tmp_path / "out",
            "--board",
            "stm32f103",
            "--arena",
            "70000",
        )
        if target != "c99"
        else refused(
            capsys, "export", target, _large(tmp_path), "-o", tmp_path / "out", "--board", "stm32f103"
        )
    )
    assert "stm32f103 has" in line
    assert re.search(r"\(most for [A-Z_0-9]+, tensor \d+ '.*' \(u?int8 \[.*\]\)\)", line)
    assert "esp32" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("target", "option", "message"),
    [
        ("raspberrypi", "--board=esp32", "--board: is for c99, esphome, tflm"),
        ("edgetpu", "--board=esp32", "--board: is for c99, esphome, tflm"),
        ("c99", "--debs=.", "--debs: is for raspberrypi, and the target is c99; leave it away"),
        ("c99", "--arena=30000", "--arena: is for esphome, tflm"),
        ("esphome", "--machine=armv7l", "--machine: is for raspberrypi"),
    ],
)
def test_an_option_of_another_target_is_refused(capsys, tmp_path, target, option, message):
    assert message in refused(capsys, "export", target, ALEXA, "-o", tmp_path / "out", option)
    assert not (tmp_path / "out").exists()


def _large(tmp_path: Path) -> Path:
    """More labels than 20 KB of RAM have room for."""
    graph = RandomGraph(0)
    return bundle_of(graph.tflite(), tmp_path / "model", graph.width)


def test_a_board_that_suffices_is_content():
    graph = read_graph(community.tflite("alexa"))
    for board in BOARDS.values():
        check_fit(board, graph, flash=board.flash, ram=board.ram)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fusedActivationFunction": 4}, "fused activation 4 is not supported"),
        ({"bias": 2**31 - 1}, "its sums could leave 32 bits"),
        ({"weights": False}, "weights must be a constant of int8"),
    ],
)
def test_a_layer_that_c_cannot_compute_is_refused(capsys, tmp_path, change, message):
    graph = GraphBuilder()
    rows = graph.tensor("int8", (1, 1, 40), ROW_SCALE, -128)
    weights = graph.constant(np.full((1, 40), 127, np.int8), 0.01)
    if change.get("weights") is False:
        weights = graph.constant(np.ones((1, 40), np.float32))
    bias = graph.constant(np.array([change.get("bias", 0)], np.int32), 0.001)
    made = graph.tensor("int8", (1, 1), 0.1, 0)
    activation = change.get("fusedActivationFunction", 0)
    graph.op(
        "FULLY_CONNECTED",
        [rows, weights, bias],
        [made],
        4,
        "FullyConnected",
        fusedActivationFunction=activation,
    )
    output = graph.tensor("uint8", (1, 1), 1 / 256)
    graph.op("QUANTIZE", [made], [output], options="Quantize")
    path = tmp_path / "model.tflite"
    path.write_bytes(graph.tflite([rows], [output]))
    from firmware_export.c99.lowering import lower

    with pytest.raises(ExportError, match=message):
        lower(read_graph(path))


def test_a_file_that_is_no_model_is_refused(tmp_path):
    path = tmp_path / "noise.tflite"
    path.write_bytes(b"\x1c\x00\x00\x00TFL3" + bytes(range(200)))
    with pytest.raises(ExportError, match=r"not a \.tflite file"):
        read_graph(path)
    with pytest.raises(ExportError, match="cannot be read"):
        read_graph(tmp_path / "none.tflite")


def test_a_directory_with_other_files_is_left_alone(capsys, tmp_path):
    (tmp_path / "precious.txt").write_text("mine")
    line = refused(capsys, "export", "c99", ALEXA, "-o", tmp_path)
    assert "holds other files" in line
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]
    assert "is a file" in refused(capsys, "export", "c99", ALEXA, "-o", tmp_path / "precious.txt")


@pytest.mark.parametrize("earlier", [False, True])
def test_a_disk_that_is_full_leaves_what_was_there(capsys, monkeypatch, tmp_path, earlier):
    out = tmp_path / "out"
    if earlier:
        assert main(["export", "c99", ALEXA, "-o", str(out)]) == 0
        capsys.readouterr()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    write, written = Path.write_bytes, []

    def full(path: Path, content: bytes) -> int:
        written.append(path)
        if len(written) > 5:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    assert "No space left" in refused(capsys, "export", "c99", ALEXA, "-o", out)
    assert out.exists() == earlier
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}


def test_an_export_can_be_written_again(capsys, tmp_path):
    for _ in range(2):
        assert main(["export", "c99", ALEXA, "-o", str(tmp_path / "out")]) == 0
    assert "alexa for c99" in capsys.readouterr().out


def test_exports_are_the_same_every_time(tmp_path):
    for name in ("one", "two"):
        assert main(["export", "c99", ALEXA, "-o", str(tmp_path / name)]) == 0
    contents = [
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    ]
    assert contents[0] == contents[1]


# verify-firmware


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "noise.wav"
    noise = np.random.default_rng(3).normal(0, 3_000, 2 * SAMPLE_RATE).astype(np.int16)
    soundfile.write(path, noise, SAMPLE_RATE)
    return path


@pytest.mark.debian("gcc", "make")
def test_an_export_is_verified(capsys, tmp_path, recording):
    assert main(["export", "c99", ALEXA, "-o", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    assert main(["verify-firmware", str(tmp_path / "out"), str(recording)]) == 0
    said = capsys.readouterr().out
    assert "events: 0 in the firmware, 0 here" in said
    assert "front end: 0 of 198 rows differ" in said


@pytest.mark.debian("gcc", "make")
def test_a_firmware_that_computes_something_else_is_noticed(capsys, tmp_path, recording):
    assert main(["export", "c99", ALEXA, "-o", str(tmp_path / "out")]) == 0
    source = tmp_path / "out" / "src" / "noise.c"
    source.write_text(source.read_text().replace("KWS_ODD_SMOOTHING :", "KWS_ODD_SMOOTHING + 1 :"))
    assert main(["verify-firmware", str(tmp_path / "out"), str(recording)]) == 1
    assert "front end: 0 of" not in capsys.readouterr().out


@pytest.mark.debian("gcc", "make")
def test_a_c_library_that_rounds_otherwise_is_told_and_no_difference(tmp_path):
    """Exactly rounded logarithms, as glibc has them from 2.41 on, in place of this system's."""
    assert main(["export", "c99", ALEXA, "-o", str(tmp_path / "out")]) == 0
    source, library = tmp_path / "log1pf.c", tmp_path / "log1pf.so"
    source.write_text("#include <math.h>\nfloat log1pf(float x) { return (float)log1p((double)x); }\n")
    subprocess.run(["gcc", "-shared", "-fPIC", source, "-o", library, "-lm"], check=True)
    noise = Path(kws.__file__).parent / "selftest" / "noise.flac"
    verify = [sys.executable, "-m", "kws", "verify-firmware", tmp_path / "out", noise]
    preloaded = {**os.environ, "LD_PRELOAD": str(library)}
    done = subprocess.run(verify, env=preloaded, capture_output=True, text=True, check=False)
    assert "rows differ, as this system computes its filters otherwise" in done.stdout
    assert "front end: 0 of" not in done.stdout
    assert done.returncode == 0


def test_filters_are_those_of_the_logarithm():
    def exact(x):
        return np.log1p(x.astype(np.float64)).astype(np.float32)

    assert makes_same_filters(log1p)
    assert not makes_same_filters(exact)


def test_what_may_round_otherwise_is_not_said_to_make_the_same_filters(monkeypatch):
    monkeypatch.setattr("firmware_export.c_library.system_log1p", lambda: log1p)
    found = []
    for machine in ("x86_64", "aarch64"):
        monkeypatch.setattr("platform.machine", lambda machine=machine: machine)
        found.append(makes_same_filters())
    assert found == [True, False]


@pytest.mark.debian("gcc", "make")
def test_source_that_does_not_compile_is_one_line(capsys, tmp_path, recording):
    assert main(["export", "c99", ALEXA, "-o", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    (tmp_path / "out" / "src" / "pcan.c").write_text("int x = ;\n")
    assert "cannot build it" in refused(capsys, "verify-firmware", tmp_path / "out", recording)


def test_what_is_no_export_is_refused(capsys, tmp_path, recording):
    assert "holds no export" in refused(capsys, "verify-firmware", tmp_path, recording)
    (tmp_path / "export.json").write_text("[]")
    assert "not written by kws export" in refused(capsys, "verify-firmware", tmp_path, recording)


def test_a_target_that_does_not_run_here_is_refused(capsys, tmp_path, recording):
    assert main(["export", "esphome", ALEXA, "-o", str(tmp_path / "out"), "--arena", "30000"]) == 0
    capsys.readouterr()
    line = refused(capsys, "verify-firmware", tmp_path / "out", recording)
    assert "is an export for esphome" in line


def test_without_a_compiler_the_remedy_is_named(capsys, tmp_path, recording, monkeypatch):
    assert main(["export", "c99", ALEXA, "-o", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    monkeypatch.setenv("CC", "no-such-compiler")
    line = refused(capsys, "verify-firmware", tmp_path / "out", recording)
    assert "no-such-compiler" in line


@pytest.mark.parametrize(
    ("firmware", "shifts", "alone"),
    [
        ([("a", 16_000)], [0.0], 0),
        ([("a", 16_480)], [0.03], 0),
        ([("a", 20_800)], [], 2),
        ([("b", 16_000)], [], 2),
        ([], [], 1),
        ([("a", 1_600), ("a", 15_520)], [0.03], 1),
    ],
)
def test_events_are_the_same_within_a_tenth_of_a_second(firmware, shifts, alone):
    heard = tuple(Heard(label, end) for label, end in firmware)
    found = Comparison(heard, heard, (Heard("a", 16_000),), 1, 0, 1, 0, 0)
    assert found.shifts == pytest.approx(shifts)
    assert found.alone == alone
    assert found.holds == (alone == 0)


def test_a_row_or_a_detector_that_differs_is_no_agreement():
    event = (Heard("a", 1_600),)
    assert Comparison(event, event, event, 1, 1, 1, 0, 0, rounding_rows=True).holds
    assert not Comparison(event, (), event, 1, 1, 1, 0, 0, rounding_rows=True).holds
    assert not Comparison(event, event, event, 1, 1, 1, 0, 0).holds
    assert not Comparison(event, (), event, 1, 0, 1, 0, 0).holds


@pytest.mark.parametrize("target", ALL_TARGETS)
def test_a_damaged_model_is_one_line(capsys, tmp_path, target):
    manifest = copied(tmp_path / "model")
    model = tmp_path / "model" / "alexa.tflite"
    model.write_bytes(model.read_bytes()[:30_000])
    path = tmp_path / "model" / "alexa.json"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    line = refused(capsys, "export", target, path, "-o", tmp_path / "out", *with_arena(target))
    assert "alexa.tflite" in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_word_that_listens_through_the_encoder_is_refused(target: str, tmp_path: Path) -> None:
    head = dataclasses.replace(read_bundle(community.manifest("alexa")), front_end="speech-embedding")
    with pytest.raises(ExportError, match="which no device computes; train the word with --recipe gru"):
        TARGETS[target](head, tmp_path / "out", None, None)
    assert not (tmp_path / "out").exists()
