"""The wheels that a machine needs, fetched by pip for that machine."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import requires
from pathlib import Path

from firmware_export.errors import ExportError
from firmware_export.raspberrypi.machine import PYTHONS, Machine

EXTRA = "daemon"
"""What is installed beside the plain package."""


def fetched(machine: Machine) -> dict[str, bytes]:
    """Name -> content for all supported Pythons; raises ExportError."""
    with tempfile.TemporaryDirectory() as folder:
        for python in PYTHONS:
            _fetch(machine, python, folder)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def _fetch(machine: Machine, python: str, folder: str) -> None:
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
        *("--only-binary=:all:", "--dest", folder, "--implementation", "cp", "--python-version", python),
        *(word for platform in machine.platforms for word in ("--platform", platform)),
        *(requirements() if machine.requirements is None else ("--no-deps", *machine.requirements)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ExportError(
            f"pip cannot fetch the wheels for {machine.name}, Python {python} ({said}); "
            "an export needs the package index once"
        )


def requirements() -> list[str]:
    """What kws needs, and its daemon."""
    parted = [requirement.partition(";") for requirement in requires("kws") or ()]
    return [needed.strip() for needed, _, marker in parted if _holds(marker)]


def _holds(marker: str) -> bool:
    """Whether a requirement is one of these; markers of a Python version are for older ones than here."""
    wanted = "extra ==" not in marker or f'extra == "{EXTRA}"' in marker
    return wanted and "python_version" not in marker
