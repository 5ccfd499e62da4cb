"""The folder for a Raspberry Pi: what is in it, what it refuses, what its installer checks before it acts.

That it installs is proved by tests/verification/raspberrypi.py, in Debian's own roots for both systems.
"""

from __future__ import annotations

import errno
import functools
import importlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

import kws
from firmware_export import cli as commands
from firmware_export.c99 import export as c99
from firmware_export.errors import ExportError
from firmware_export.native import identity
from firmware_export.native.compiler import FLAGS
from firmware_export.native.stages import NativeFrontend, NativeModel
from firmware_export.raspberrypi import export as raspberrypi
from firmware_export.raspberrypi import wheels
from firmware_export.raspberrypi.machine import MACHINES, PYTHONS, find_machine
from firmware_export.raspberrypi.own_wheel import own_wheel
from kws import cli
from kws.bundle import find_bundle
from kws.config import load_config
from kws.selftest import bundled_recordings, recordings_in
from kws.sources.whole import read_samples

ROOT = Path(__file__).parents[1]
ARM = 40
"""e_machine of ELF."""


packed_once = functools.cache(own_wheel)
fetched = wheels.fetched


@pytest.fixture(scope="module")
def no_index():
    """In place of the package index: one wheel. And our own wheel is packed only once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raspberrypi, "own_wheel", packed_once)
        patch.setattr(wheels, "fetched", lambda machine: {f"other-1-{machine.name}.whl": b"wheel"})
        yield


def exported(directory: Path, machine: str = "aarch64", debs: Path | None = None) -> dict[str, Path]:
    raspberrypi.export(find_bundle("computer"), directory, machine, debs)
    return {path.relative_to(directory).as_posix(): path for path in directory.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def for_32_bits(no_index, tmp_path_factory):
    return exported(tmp_path_factory.mktemp("export") / "pi", "armv7l")


# The folder


def test_everything_is_there(no_index, tmp_path):
    files = exported(tmp_path / "pi")
    wheel, _ = own_wheel()
    expected = {"export.json", "model/computer.json", "model/computer.tflite", f"wheels/{wheel}"}
    expected |= {
        "wheels/other-1-aarch64.whl",
        "install.sh",
        "uninstall.sh",
        "README.md",
        "machine",
        "kws.toml",
    }
    assert files.keys() == expected
    assert all(os.access(files[name], os.X_OK) for name in ("install.sh", "uninstall.sh"))


def test_the_archive_holds_the_folder_as_roots(no_index, tmp_path):
    files = exported(tmp_path / "pi")
    with tarfile.open(tmp_path / "pi.tar.gz") as archive:
        entries = [entry for entry in archive if entry.isfile()]
    assert {entry.name for entry in entries} == {f"pi/{name}" for name in files}
    assert {(entry.uid, entry.gname) for entry in entries} == {(0, "root")}
    assert all(entry.mode & 0o111 for entry in entries if entry.name.endswith(".sh"))


@pytest.mark.parametrize("machine", MACHINES)
def test_the_configuration_is_one(tmp_path, machine):
    path = tmp_path / "kws.toml"
    path.write_text(raspberrypi._configuration(find_bundle("jarvis"), MACHINES[machine]), encoding="utf-8")
    config = load_config(path)
    assert [model.name for model in config.model] == [f"{raspberrypi.HOME}/models/jarvis.json"]
    assert bool(config.http.address) == (machine == "aarch64")


@pytest.mark.debian("gcc-arm-linux-gnueabihf")
def test_for_32_bits_the_models_are_compiled(for_32_bits):
    models = [None, *(find_bundle(name).model_path for name in kws.bundled_names())]
    expected = {
        f"share/kws/c99/{model.stem if model else 'front-end'}-{identity.digest(model)}.so"
        for model in models
    }
    libraries = {name: path for name, path in for_32_bits.items() if name.startswith("share/")}
    assert libraries.keys() == expected
    for path in libraries.values():
        assert int.from_bytes(path.read_bytes()[18:20], "little") == ARM


@pytest.mark.debian("gcc-arm-linux-gnueabihf")
def test_for_32_bits_the_selftest_needs_no_flac(for_32_bits):
    for recording in bundled_recordings():
        path = for_32_bits[f"selftest/{recording.audio.stem}.wav"]
        assert (soundfile.read(path)[0] == soundfile.read(recording.audio)[0]).all()
    found = recordings_in(for_32_bits["selftest/calls.wav"].parent)
    assert [one.expected for one in found] == [one.expected for one in bundled_recordings()]


def test_debian_packages_come_along(no_index, tmp_path):
    debs = tmp_path / "debs"
    debs.mkdir()
    with pytest.raises(ExportError, match=r"holds no \.deb; fetch them"):
        exported(tmp_path / "pi", debs=debs)
    (debs / "some.deb").write_bytes(b"package")
    assert exported(tmp_path / "pi", debs=debs)["debs/some.deb"].read_bytes() == b"package"


# Wheels


def test_the_own_wheel_installs_and_runs(tmp_path):
    name, content = own_wheel()
    (tmp_path / name).write_bytes(content)
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--target"]
    subprocess.run([*install, tmp_path / "site", tmp_path / name], check=True)
    program = "import kws, firmware_export; from kws.cli import main; main(['models'])"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "computer" in run.stdout
    assert (tmp_path / "site" / "kws" / "__init__.py").read_bytes() == (
        ROOT / "kws" / "__init__.py"
    ).read_bytes()
    points = next((tmp_path / "site").glob("kws-*.dist-info/entry_points.txt")).read_text(encoding="utf-8")
    assert "firmware_export.native.stages" in points
    assert "training" not in points


def test_the_own_wheel_holds_no_caches():
    assert not any("__pycache__" in name for name in zipfile.ZipFile(io.BytesIO(own_wheel()[1])).namelist())


def test_what_pip_is_asked_for_is_what_the_project_needs():
    # tomllib came with Python 3.11; before, the same parser is called tomli.
    toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    about = toml.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*about["dependencies"], *about["optional-dependencies"]["daemon"]]
    there = [one.partition(";")[0] for one in needed if "python_version" not in one]
    assert wheels.requirements() == there
    assert {"numpy", "ai-edge-litert", "aiohttp"} <= {re.split("[<>=]", one)[0] for one in there}


def test_pip_is_asked_for_each_python_and_for_that_machine(monkeypatch):
    asked = []

    def pip(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", pip)
    assert fetched(MACHINES["armv7l"]) == {}
    assert [command[command.index("--python-version") + 1] for command in asked] == list(PYTHONS)
    assert all("manylinux2014_armv7l" in command and "--only-binary=:all:" in command for command in asked)


# Refusals, before anything is written


def refusal(tmp_path: Path, *arguments: str) -> str:
    with pytest.raises(ExportError) as found:
        raspberrypi.export(find_bundle("computer"), tmp_path / "pi", *arguments, None)
    assert list(tmp_path.iterdir()) == []
    assert "\n" not in str(found.value)
    return str(found.value)


def test_pip_that_finds_nothing_is_quoted(monkeypatch, tmp_path):
    monkeypatch.setattr(wheels, "fetched", fetched)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    assert "pip cannot fetch the wheels for aarch64, Python 3.11 (" in refusal(tmp_path, "aarch64")


def test_without_the_other_compiler_32_bits_are_refused(no_index, monkeypatch, tmp_path):
    monkeypatch.setitem(MACHINES, "armv7l", replace(MACHINES["armv7l"], compiler="no-such-gcc"))
    assert "no-such-gcc is missing; install it" in refusal(tmp_path, "armv7l")


def test_for_32_bits_a_word_that_listens_through_the_encoder_is_refused(no_index, tmp_path):
    head = replace(find_bundle("computer"), front_end="speech-embedding")
    with pytest.raises(ExportError, match="needs LiteRT, and armv7l has none; train the word with --recipe"):
        raspberrypi.export(head, tmp_path / "pi", "armv7l", None)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_no_half_archive(no_index, monkeypatch, tmp_path):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tarfile.TarFile, "add", full)
    with pytest.raises(ExportError, match=r"pi\.tar\.gz: cannot be written \(No space left"):
        exported(tmp_path / "pi")
    assert [path.name for path in tmp_path.iterdir()] == ["pi"]


def test_another_machine_is_refused():
    with pytest.raises(ExportError, match="armv6l: no such machine; give one of aarch64, armv7l"):
        find_machine("armv6l")


def test_the_command_passes_on_what_is_asked(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(
        commands.raspberrypi,
        "export",
        lambda *given: pytest.fail(str(given)) if given[2] != "armv7l" else REPORT,
    )
    arguments = ["export", "raspberrypi", "computer", "-o", str(tmp_path / "pi"), "--machine", "armv7l"]
    assert cli.main(arguments) == 0
    assert "3 wheels" in capsys.readouterr().out


REPORT = commands.raspberrypi.Report("raspberrypi", Path("pi"), "computer", {"wheels": 3})


# The installer


@pytest.fixture
def installer(no_index, tmp_path):
    """run(NAME=what that command prints, ...) -> the first line that install.sh says; it never acts."""
    exported(tmp_path / "pi")
    commands = tmp_path / "bin"
    commands.mkdir()

    def run(**says: str) -> str:
        usual = {
            "id": "0",
            "dpkg": "arm64",
            "python3": PYTHONS[0],
            "dpkg-query": "installed",
            "ldconfig": "nothing",
        }
        usual |= {name.replace("_", "-"): text for name, text in says.items()}
        for name, text in usual.items():
            (commands / name).write_text(f"#!/bin/sh\necho '{text}'\n")
            (commands / name).chmod(0o755)
        for forbidden in ("mv", "cp", "rm", "mkdir"):
            (commands / forbidden).write_text("#!/bin/sh\necho 'install.sh: it acts' >&2\nexit 1\n")
            (commands / forbidden).chmod(0o755)
        path = f"{commands}:{os.environ['PATH']}"
        done = subprocess.run(
            ["sh", tmp_path / "pi" / "install.sh"],
            env={"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode
        return done.stderr.splitlines()[-1].removeprefix("install.sh: ")

    return run


def test_the_installer_acts_when_all_is_well(installer):
    assert installer() == "it acts"


@pytest.mark.parametrize(
    ("says", "complaint"),
    [
        ({"id": "1000"}, "this needs root; run: sudo"),
        ({"dpkg": "armhf"}, "this folder is for arm64, the system here is armhf; export anew with --machine"),
        ({"python3": "3.9"}, "Python here is 3.9, this folder is for 3.11 3.13; export anew"),
        ({"dpkg_query": "deinstalled"}, "these packages are missing: apt install python3-venv"),
    ],
)
def test_the_installer_says_what_does_not_fit_before_it_acts(installer, says, complaint):
    assert installer(**says).startswith(complaint)


def test_the_scripts_are_plain_shell():
    for script in raspberrypi.FILES.glob("*.sh"):
        subprocess.run(["sh", "-n", script], check=True)
        assert script.read_text(encoding="utf-8").startswith("#!/bin/sh\n")
    assert shutil.which("sh")


def test_the_report_says_how_much_was_written(no_index, tmp_path):
    files = exported(tmp_path / "pi")
    facts = json.loads(files["export.json"].read_text(encoding="utf-8"))
    about = ("export.json", "model/computer.json", "model/computer.tflite")
    assert facts["bytes"] == sum(path.stat().st_size for name, path in files.items() if name not in about)
    assert facts["wheels"] == 2


@pytest.mark.debian("gcc-aarch64-linux-gnu", "gcc-arm-linux-gnueabihf", "qemu-user-static")
@pytest.mark.parametrize(
    ("name", "emulator"), [("aarch64", "qemu-aarch64-static"), ("armv7l", "qemu-arm-static")]
)
def test_what_the_other_compiler_makes_computes_the_same(tmp_path, name, emulator):
    """The flags that libraries are compiled with, NEON among what they allow, on an emulated processor."""
    machine, bundle = MACHINES[name], find_bundle("computer")
    c99.export(bundle, tmp_path / "c", None)
    flags = " ".join((*FLAGS, *machine.flags)).replace("-fPIC -shared", "-static")
    build = [f"CC={machine.compiler}", f"CFLAGS={flags}", f"BUILD={tmp_path}/b", f"{tmp_path}/b/trace"]
    subprocess.run(["make", "-s", "-C", tmp_path / "c", *build], check=True)
    samples = read_samples(bundled_recordings()[0].audio)
    for what, expected in (
        ("rows", NativeFrontend().push(samples)),
        ("outputs", NativeModel(bundle.model_path).push(NativeFrontend().push(samples))),
    ):
        trace = [emulator, tmp_path / "b" / "trace", what]
        done = subprocess.run(trace, input=samples.astype("<i2").tobytes(), check=True, capture_output=True)
        assert done.stdout == expected.tobytes()
