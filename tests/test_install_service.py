"""Units as systemd itself judges them, and what the command writes and says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from kws import cli
from kws.commands import install_service
from kws.commands.install_service import check_reachable, places_of
from kws.commands.units import system_unit, user_unit
from kws.config import load_config
from kws.errors import KwsError

EXPOSURE = 2.0
"""The most that systemd may think is left open."""
UNITS = {"--system": system_unit, "--user": user_unit}


def analyzed(*arguments: str, folder: Path) -> str:
    """What systemd-analyze says; it fails where it finds something wrong."""
    program = shutil.which("systemd-analyze")
    assert program
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "SYSTEMD_COLORS": "0"}
    done = subprocess.run([program, *arguments], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The unit of that kind, its program one that is there."""
    path = tmp_path / "kws.service"
    path.write_text(UNITS[request.param](["/bin/sh", "-c", "kws daemon"]))
    return path


@pytest.mark.debian("systemd")
@pytest.mark.parametrize(("unit", "flag"), [(flag, flag) for flag in UNITS], indirect=["unit"])
def test_systemd_finds_nothing_wrong(unit: Path, flag: str, tmp_path: Path) -> None:
    assert analyzed("verify", flag, str(unit), folder=tmp_path) == ""


@pytest.mark.debian("systemd")
@pytest.mark.parametrize(("unit", "flag"), [(flag, flag) for flag in UNITS], indirect=["unit"])
def test_little_is_left_open(unit: Path, flag: str, tmp_path: Path) -> None:
    said = analyzed("security", "--offline=true", "--no-pager", flag, str(unit), folder=tmp_path)
    level = re.search(r"Overall exposure level for kws.service: ([\d.]+)", said)
    assert level
    assert float(level[1]) <= EXPOSURE


@pytest.mark.parametrize("make", UNITS.values())
def test_signs_that_mean_something_to_systemd_are_quoted(make: object) -> None:
    line = next(
        line
        for line in make(["/opt/my kws/python", "100%", "$HOME", 'a"b', "plain"]).splitlines()  # type: ignore[operator]
        if line.startswith("ExecStart=")
    )
    assert line == 'ExecStart="/opt/my kws/python" 100%% $$HOME "a\\"b" plain'


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = cli.main(["install-service", *arguments])
    return code, *capsys.readouterr()


@pytest.mark.parametrize("flag", UNITS)
def test_print_changes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path, flag: str) -> None:
    code, out, err = run(capsys, flag, "--print", "--root", str(tmp_path))
    assert (code, err) == (0, "")
    assert "-m kws daemon --config" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flag", UNITS)
def test_unit_and_a_first_configuration_are_written_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, flag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install_service, "check_reachable", lambda *prefixes: None)
    places = places_of(flag == "--user")
    unit, config = (tmp_path / path.relative_to("/") for path in (places.unit, places.config))
    code, out, _ = run(capsys, flag, "--root", str(tmp_path))
    assert code == 0
    assert f"wrote {unit}\nwrote {config}\n" in out
    assert f"rm {unit} {config}" in out
    assert str(places.config) in unit.read_text()
    assert load_config(config).model[0].name == "computer"

    config.write_text("# mine\n")
    code, out, _ = run(capsys, flag, "--root", str(tmp_path))
    assert code == 0
    assert config.read_text() == "# mine\n"
    assert str(config) not in out.partition("to undo it")[2], "what was there before is not to be removed"


@pytest.mark.parametrize("make", UNITS.values())
def test_the_end_is_told_to_the_daemon_alone(make: object) -> None:
    assert "KillMode=mixed" in make(["kws"]).splitlines()  # type: ignore[operator]


def test_how_to_undo_it_can_be_pasted_into_a_shell(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    root = tmp_path / "a root"
    code, out, _ = run(capsys, "--user", "--root", str(root))
    assert code == 0
    remove = next(line.strip() for line in out.splitlines() if line.startswith("  rm "))
    subprocess.run(["/bin/sh", "-c", remove], check=True)
    assert [path for path in root.rglob("*") if path.is_file()] == []
    assert out.splitlines()[-1] == "  systemctl --user daemon-reload"


def test_what_the_unit_would_hide_is_refused() -> None:
    check_reachable("/usr", "/opt/kws")
    with pytest.raises(KwsError, match=r"^/home/ada/kws: is in a home .*; install kws elsewhere"):
        check_reachable("/usr", "/home/ada/kws")


def test_where_nothing_may_be_written_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, _, err = run(capsys, "--user", "--root", str(tmp_path / "file"))
    assert code == 2
    assert "cannot be written" in err
    assert len(err.splitlines()) == 1
