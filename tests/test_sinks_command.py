"""A program per event: what it gets, and what becomes of one that fails or hangs."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import pytest
from pulse import wait_for

from kws.events import Detection
from kws.sinks.command import Command, Options, environment, open_uri
from kws.sinks.notice import RefusedError, UnavailableError

EVENT = Detection(name="computer; touch /tmp/x", score=0.75, threshold=0.5, start=1.0, end=1.5, source="día")


def python(program: str, timeout_seconds: float = 60) -> Command:
    return Command([sys.executable, "-c", program], timeout_seconds)


def is_alive(process: int) -> bool:
    """Whether it runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_event_is_on_its_input_and_in_its_environment(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    python(
        f"import json, os, sys; json.dump([sys.stdin.read(), dict(os.environ)], open({str(out)!r}, 'w'))"
    ).emit(EVENT)
    given, variables = json.loads(out.read_text())
    assert given == EVENT.to_json() + "\n"
    assert variables["KWS_EVENT"] == EVENT.to_json()
    assert (variables["KWS_TYPE"], variables["KWS_NAME"]) == ("detection", EVENT.name)
    assert (variables["KWS_SCORE"], variables["KWS_SOURCE"]) == ("0.75", "día")
    assert variables["PATH"] == os.environ["PATH"]


def test_no_shell_reads_the_line_unless_asked(tmp_path: Path) -> None:
    plain, by_shell = tmp_path / "plain", tmp_path / "by shell"
    open_uri(f"command:echo x > {plain}", Options()).emit(EVENT)
    assert not plain.exists()
    open_uri(f"command:echo \"$KWS_NAME\" > '{by_shell}'", Options(shell=True)).emit(EVENT)
    assert by_shell.read_text() == EVENT.name + "\n"


def test_a_program_that_does_not_read_its_input_is_no_failure() -> None:
    python("pass").emit(EVENT)


def test_a_failure_is_said() -> None:
    with pytest.raises(RefusedError, match="exit code 3"):
        python("raise SystemExit(3)").emit(EVENT)


def test_one_that_takes_too_long_is_killed_with_its_children(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    sink = open_uri(f"command:sleep 600 & echo $! > '{pid}'; wait", Options(timeout_seconds=1.0, shell=True))
    with pytest.raises(RefusedError, match="killed"):
        sink.emit(EVENT)
    wait_for(lambda: not is_alive(int(pid.read_text())), "end of the child")


def test_it_can_be_interrupted_from_another_thread(tmp_path: Path) -> None:
    started = tmp_path / "started"
    sink = python(f"open({str(started)!r}, 'w'); import time; time.sleep(600)", timeout_seconds=600)
    errors: list[Exception] = []

    def emit() -> None:
        try:
            sink.emit(EVENT)
        except UnavailableError as error:
            errors.append(error)

    thread = threading.Thread(target=emit)
    thread.start()
    wait_for(started.exists, "running program")
    sink.interrupt()
    thread.join(60)
    started.unlink()
    with pytest.raises(UnavailableError, match="not run"):
        sink.emit(EVENT)  # after it nothing is begun
    assert len(errors) == 1
    assert not started.exists()


def test_variables_are_plain_text() -> None:
    variables = environment(EVENT)
    assert all(isinstance(value, str) and "\0" not in value for value in variables.values())
