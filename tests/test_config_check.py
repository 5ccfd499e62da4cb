"""`kws config check`: what it looks for beyond what the file itself says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kws import cli
from kws.config import check_sinks, load_config
from kws.errors import ConfigError


def written(folder: Path, sink: str) -> Path:
    path = folder / "kws.toml"
    path.write_text(f"[[sink]]\nuri = 'stdout:'\n[[sink]]\n{sink}\n")
    return path


def checked(path: Path) -> int:
    return cli.main(["config", "check", str(path)])


def test_a_program_that_is_not_there_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "uri = 'command:no-such-program ding.wav'")
    assert checked(path) == 2
    told = f'{path}: sink 2: uri: command:no-such-program ding.wav: there is no program "no-such-program"; '
    assert told in capfd.readouterr().err


def test_a_file_that_cannot_be_run_is_no_program(tmp_path: Path) -> None:
    program = tmp_path / "ding.sh"
    program.write_text("#!/bin/sh\n")
    path = written(tmp_path, f"uri = 'command:{program}'")
    with pytest.raises(ConfigError, match="there is no program"):
        check_sinks(load_config(path), str(path))
    program.chmod(0o755)
    check_sinks(load_config(path), str(path))


@pytest.mark.parametrize(
    "sink",
    [
        f"uri = 'command:{sys.executable} -c pass'",
        "uri = 'command:echo x'",
        "uri = 'command:no-such-program | cat'\nshell = true",
        "uri = 'jsonl:/no/such/folder/events'",
    ],
    ids=["full path", "on the search path", "a line for the shell", "another sink"],
)
def test_what_is_there_is_good(tmp_path: Path, sink: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert checked(written(tmp_path, sink)) == 0
    assert ": good: " in capfd.readouterr().out


def test_no_program_is_run(tmp_path: Path) -> None:
    assert checked(written(tmp_path, f"uri = 'command:touch {tmp_path}/run'")) == 0
    assert not (tmp_path / "run").exists()
