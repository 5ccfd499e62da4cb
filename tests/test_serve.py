"""`kws serve` as a process: it serves at its address, or on standard input, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pymicro_wakeword
import pytest
import soundfile
from pulse import wait_for
from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event, read_event, write_event
from wyoming.wake import Detection

import kws
from kws.commands.serve import _serve
from kws.types import SAMPLE_RATE, Samples

MODEL = str(Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json")
RECORDING = Path(kws.__file__).parent / "selftest" / "calls.flac"
PATIENCE = 60


def started(*arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "kws", "serve", "--model", MODEL, "--threshold", "0.3", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)


def chunks(samples: Samples) -> list[Event]:
    return [
        AudioChunk(SAMPLE_RATE, 2, 1, samples[start : start + 4096].tobytes()).event()
        for start in range(0, len(samples), 4096)
    ]


def test_it_serves_at_its_address_until_it_is_told_to_stop(tmp_path: Path) -> None:
    with started("--uri", f"unix://{tmp_path}/wyoming") as server:
        assert server.stderr
        assert server.stderr.readline() == f"kws: serving at unix://{tmp_path}/wyoming\n".encode()
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE) == 0
        assert server.stderr.read() == b""
    assert not (tmp_path / "wyoming").exists()


def test_it_serves_on_standard_input_to_its_end() -> None:
    samples: Samples = soundfile.read(RECORDING, dtype="int16")[0]
    with started("--uri", "stdio://") as server:
        assert server.stdin
        assert server.stdout
        for event in [*chunks(samples), AudioStop().event()]:
            write_event(event, server.stdin)
        answer = read_event(server.stdout)
        assert answer
        assert Detection.from_event(answer).name == "alexa"
        server.stdin.close()
        assert server.wait(PATIENCE) == 0


def test_a_second_stage_may_be_chosen() -> None:
    """One that is not there, so that it must have been looked for."""
    with started("--uri", "stdio://", "--confirm", "klingon") as server:
        assert server.wait(PATIENCE) == 2
        assert server.stderr
        (line,) = server.stderr.read().decode().splitlines()
    assert line.startswith("kws: klingon: no such recognizer; ")


def test_what_cannot_be_served_is_one_line() -> None:
    with started("--uri", "tcp://nowhere") as server:
        assert server.wait(PATIENCE) == 2
        assert server.stderr
        (line,) = server.stderr.read().decode().splitlines()
    assert line.startswith("kws: tcp://nowhere: no address for Wyoming; ")


def reached(pipe: Path) -> int:
    """The writing end of a pipe that somebody reads now."""
    ends: list[int] = []

    def opened() -> bool:
        with contextlib.suppress(OSError):  # nobody reads it yet
            ends.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(ends)

    wait_for(opened, "reader of the pipe")
    return ends[0]


def test_it_can_be_told_to_stop_while_it_looks_for_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    class Endless:
        def __init__(self, uri: str, name: str) -> None:
            said.append(name)

        async def start(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()

        async def stop(self) -> None:
            said.append("stopped")

    class Quiet:
        uri = f"unix://{tmp_path}/wyoming"

        async def start(self) -> None:
            said.append("serves")

        async def stop(self) -> None:
            said.append("serves no more")

    monkeypatch.setattr("kws.servers.announcement.Announcement", Endless)
    asyncio.run(asyncio.wait_for(_serve(Quiet(), "kitchen"), PATIENCE))  # type: ignore[arg-type]
    assert said == ["serves", "kitchen", "stopped", "serves no more"]


def test_an_engine_that_is_never_ready_does_not_keep_it(tmp_path: Path) -> None:
    """The grammar is a pipe: the server reads it at its start, and a client's engine then waits for it."""
    grammar = tmp_path / "commands.jsgf"
    os.mkfifo(grammar)
    address = f"unix://{tmp_path}/wyoming"
    with started("--uri", address, "--recognizer", "english", "--grammar", str(grammar)) as server:
        with open(reached(grammar), "w", encoding="ascii") as text:
            text.write("#JSGF V1.0; grammar commands; public <command> = stop;")
        assert server.stderr
        assert server.stderr.readline() == f"kws: serving at {address}\n".encode()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"{tmp_path}/wyoming")
            with client.makefile("wb") as stream:
                write_event(Event("transcribe"), stream)
            end = reached(grammar)
            server.send_signal(signal.SIGTERM)
            assert server.wait(PATIENCE) == 0
            os.close(end)
        assert server.stderr.read() == b"kws: ended while these still hung: a client's engine\n"
