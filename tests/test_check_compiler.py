"""`make test` says in one line what is missing to build pyworld, before pip fails at it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "check-compiler.sh"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere pyworld has wheels")


def check(folder: Path, *, compiler: bool, headers: bool, installed: bool = False) -> tuple[int, str]:
    """Exit code and message on a machine with or without these."""
    (folder / "include").mkdir()
    if headers:
        (folder / "include" / "Python.h").touch()
    program(
        folder / "python",
        f'case "$*" in *find_spec*) exit {int(not installed)};; *include*) echo {folder}/include;; '
        "*) echo python3.12-dev;; esac",
    )
    for name in ("sh", "uname"):
        os.symlink(shutil.which(name) or name, folder / name)
    if compiler:
        program(folder / "g++", "exit 0")
    surroundings = {"PATH": str(folder)}
    done = subprocess.run(
        [SCRIPT, folder / "python"], env=surroundings, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_nothing_is_said_where_it_can_be_built(tmp_path: Path) -> None:
    assert check(tmp_path, compiler=True, headers=True) == (0, "")


def test_nothing_is_needed_where_it_is_installed(tmp_path: Path) -> None:
    assert check(tmp_path, compiler=False, headers=False, installed=True) == (0, "")


@pytest.mark.parametrize(("compiler", "headers"), [(False, True), (True, False), (False, False)])
def test_what_is_missing_is_named_in_one_line(tmp_path: Path, compiler: bool, headers: bool) -> None:
    code, said = check(tmp_path, compiler=compiler, headers=headers)
    assert code == 1
    assert said.count("\n") == 1
    assert ("g++" in said, "python3.12-dev" in said) == (not compiler, not headers)
