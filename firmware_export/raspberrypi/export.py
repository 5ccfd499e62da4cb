"""Gather all that a Raspberry Pi needs into a folder, and the folder into a .tar.gz beside it."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import tempfile
import wave
from collections.abc import Mapping
from pathlib import Path

from firmware_export.errors import ExportError
from firmware_export.native import identity, project
from firmware_export.native.compiler import compile_library
from firmware_export.native.libraries import SHIPPED
from firmware_export.output import Report, write_files
from firmware_export.raspberrypi import wheels
from firmware_export.raspberrypi.machine import PYTHONS, Machine, find_machine
from firmware_export.raspberrypi.own_wheel import own_wheel
from kws.bundle import Bundle, bundled_names, find_bundle
from kws.frontends import MICRO
from kws.runtimes import LITERT
from kws.selftest import bundled_recordings
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples

TARGET = "raspberrypi"
FILES = Path(__file__).parent / "files"
HOME = "/opt/kws"
"""Where it is installed."""


def export(bundle: Bundle, directory: Path, machine_name: str, debs: Path | None) -> Report:
    """The folder; raises BundleError or ExportError before anything is written.

    Args:
        bundle: what the service listens for.
        directory: made when not there.
        machine_name: one of MACHINES.
        debs: folder of Debian packages that are brought along and installed where any is missing.
    """
    machine = find_machine(machine_name)
    _check_front_end(bundle, machine)
    bundle.open_model()
    files = {path.name: path.read_bytes() for path in FILES.iterdir()}
    files |= {f"debs/{path.name}": path.read_bytes() for path in _packages(debs)}
    if machine.engine == "c99":
        files |= libraries(bundle, machine) | _recordings()
    name, content = own_wheel()
    gathered = {name: content, **wheels.fetched(machine)}
    files |= {f"wheels/{wheel}": content for wheel, content in gathered.items()}
    files |= {"machine": _settings(machine).encode(), "kws.toml": _configuration(bundle, machine).encode()}
    facts = {"bytes": sum(map(len, files.values())), "wheels": len(gathered)}
    report = write_files(directory, TARGET, bundle, files, facts)
    for script in directory.glob("*.sh"):
        script.chmod(0o755)
    _pack(directory)
    return report


def _check_front_end(bundle: Bundle, machine: Machine) -> None:
    """Encoders are computed by LiteRT, whatever the engine."""
    if machine.engine != LITERT and bundle.front_end != MICRO:
        raise ExportError(
            f"{bundle.manifest_path}: listens through {bundle.front_end}, which needs LiteRT, and "
            f"{machine.name} has none; train the word with --recipe gru, or export for --machine aarch64"
        )


def _packages(debs: Path | None) -> list[Path]:
    if debs is None:
        return []
    found = sorted(debs.glob("*.deb"))
    if not found:
        raise ExportError(f"{debs}: holds no .deb; fetch them on such a Pi with apt-get download")
    return found


def libraries(bundle: Bundle, machine: Machine) -> dict[str, bytes]:
    """Path below Python's prefix -> front end and models of the engine c99, compiled for that machine."""
    if not shutil.which(machine.compiler):
        package = machine.compiler.removesuffix("-gcc")
        raise ExportError(
            f"{machine.name}: its engine is compiled here and {machine.compiler} is missing; install it "
            f"(Debian: gcc-{package})"
        )
    models = {find_bundle(name).model_path for name in bundled_names()} | {bundle.model_path}
    return dict(_compiled(model, machine) for model in (None, *sorted(models)))


def _compiled(model: Path | None, machine: Machine) -> tuple[str, bytes]:
    name = f"{identity.file_stem(model)}-{identity.digest(model)}.so"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, name)
        compile_library(project.sources(model), made, [machine.compiler], machine.flags)
        return f"{SHIPPED}/{name}", made.read_bytes()


def _recordings() -> dict[str, bytes]:
    """Those of the selftest in the form that needs no library."""
    found: dict[str, bytes] = {}
    for recording in bundled_recordings():
        found[f"selftest/{recording.audio.stem}.wav"] = _wav(read_samples(recording.audio))
        found[f"selftest/{recording.events_path.name}"] = recording.events_path.read_bytes()
    return found


def _wav(samples: Samples) -> bytes:
    packed = io.BytesIO()
    with wave.open(packed, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return packed.getvalue()


def _settings(machine: Machine) -> str:
    """What install.sh reads: assignments of the shell."""
    alone = machine.requirements is not None
    values: Mapping[str, str] = {
        "architecture": machine.architecture,
        "engine": machine.engine,
        "pythons": " ".join(PYTHONS),
        "packages": " ".join(("python3-venv", *(f"python3-{module}" for module in machine.needs))),
        "venv_flags": "--system-site-packages" if alone else "",
        "pip_flags": "--no-deps" if alone else "",
        "wheels": " ".join(("kws", *(machine.requirements or ()))) if alone else f"kws[{wheels.EXTRA}]",
        "selftest_flags": f"--recordings {HOME}/venv/selftest" if machine.engine == "c99" else "",
    }
    return "".join(f'{name}="{value}"\n' for name, value in values.items())


def _configuration(bundle: Bundle, machine: Machine) -> str:
    page = (
        "" if machine.requirements is None else '\n[http]\naddress = ""   # its page needs python3-aiohttp\n'
    )
    return (
        "# kws daemon; after a change: systemctl reload kws. All keys: kws config --help\n\n"
        f'[[model]]\nname = "{HOME}/models/{bundle.name}.json"\n\n'
        '[[sink]]\nuri = "stdout:"   # the journal: journalctl --unit kws\n\n'
        f'# [[sink]]\n# uri = "mqtt://localhost/kws"\n{page}'
    )


def _pack(directory: Path) -> None:
    packed = directory.with_name(f"{directory.name}.tar.gz")
    unfinished = packed.with_suffix(".new")
    try:
        with tarfile.open(unfinished, "w:gz", compresslevel=1) as archive:
            archive.add(directory, arcname=directory.name, filter=_owned_by_root)
        os.replace(unfinished, packed)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise ExportError(f"{packed}: cannot be written ({error.strerror}); free some room") from error


def _owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = "root"
    return entry
