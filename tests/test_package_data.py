"""What is installed is all that the packages read, not the modules alone."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PACKAGE_DATA = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"][
    "package-data"
]
NOT_DATA = {".py", ".pyc"}


@pytest.mark.parametrize("package", sorted(PACKAGE_DATA))
def test_every_file_beside_the_modules_is_installed(package: str) -> None:
    folder = ROOT / package
    there = {path for path in folder.rglob("*") if path.is_file() and path.suffix not in NOT_DATA}
    named = {path for pattern in PACKAGE_DATA[package] for path in folder.glob(pattern)}
    assert there
    assert sorted(there - named) == []
