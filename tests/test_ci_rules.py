"""With CI=true a skip is a failure, without it a skip."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import conftest
import pytest

TESTS = Path(__file__).parent
INSIDE = "import pytest\ndef test_it():\n    pytest.skip('no such tool')\n"
MODULE = "import pytest\npytest.importorskip('no_such_module')\ndef test_it():\n    pass\n"
EXPECTED = "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_it():\n    assert False\n"


def outcome(folder: Path, source: str, ci: str) -> tuple[int, str]:
    """Exit code and output of pytest on one file, in a process of its own."""
    (folder / "test_it.py").write_text(source)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "ci_rules",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        ".",
        "-rs",
    ]
    environment = {"PYTHONPATH": str(TESTS), "CI": ci, "PATH": ""}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize(("source", "reason"), [(INSIDE, "no such tool"), (MODULE, "no_such_module")])
def test_a_skip_fails_in_ci(tmp_path: Path, source: str, reason: str) -> None:
    code, said = outcome(tmp_path, source, ci="true")
    assert code != 0
    assert reason in said
    assert "CI=true" in said


@pytest.mark.parametrize("source", [INSIDE, MODULE])
def test_a_skip_is_a_skip_elsewhere(tmp_path: Path, source: str) -> None:
    _, said = outcome(tmp_path, source, ci="")
    assert "1 skipped" in said
    assert "failed" not in said


def test_an_expected_failure_is_no_skip(tmp_path: Path) -> None:
    code, said = outcome(tmp_path, EXPECTED, ci="true")
    assert code == 0
    assert "1 xfailed" in said


def test_a_debian_mark_without_a_package_is_refused() -> None:
    with pytest.raises(pytest.fail.Exception, match="names no package"):
        conftest._packages(pytest.mark.debian.mark)
    assert conftest._packages(pytest.mark.debian("a", "b").mark) == ("a", "b")
