"""The Unix socket: readers come and go, one that does not read harms no other."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kws.errors import KwsError
from kws.events import Event, Gap, from_json
from kws.sinks import open_sink
from kws.sinks.unix import Options, UnixSocket, open_uri


def gap(number: int) -> Event:
    return Gap(start=float(number), end=0.0, reason="test")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events"


@pytest.fixture
def sink(path: Path) -> Iterator[UnixSocket]:
    sink = open_uri(f"unix:{path}", Options())
    yield sink
    if path.exists():
        sink.close()


def connected(path: Path) -> socket.socket:
    reader = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    reader.settimeout(10)
    reader.connect(str(path))
    return reader


def lines(reader: socket.socket, count: int) -> list[Event]:
    with reader.makefile() as stream:
        return [from_json(stream.readline()) for _ in range(count)]


def test_every_reader_gets_every_event_from_its_connection_on(sink: UnixSocket, path: Path) -> None:
    sink.emit(gap(0))
    with connected(path) as first:
        sink.emit(gap(1))
        with connected(path) as second:
            sink.emit(gap(2))
            assert lines(first, 2) == [gap(1), gap(2)]
            assert lines(second, 1) == [gap(2)]


def test_a_reader_that_goes_away_is_forgotten(sink: UnixSocket, path: Path) -> None:
    with connected(path) as stays:
        connected(path).close()
        for number in range(3):
            sink.emit(gap(number))
        assert lines(stays, 3) == [gap(0), gap(1), gap(2)]


def test_a_reader_that_does_not_read_is_disconnected(sink: UnixSocket, path: Path) -> None:
    with connected(path) as stuck, connected(path) as reading, reading.makefile() as stream:
        for number in range(60):  # more than a socket holds
            large = Gap(start=float(number), end=0.0, reason="x" * 10_000)
            sink.emit(large)
            assert from_json(stream.readline()) == large
        while stuck.recv(1 << 20):
            pass  # ends, as the other side is closed


def test_who_reads_sees_the_end(sink: UnixSocket, path: Path) -> None:
    with connected(path) as reader:
        sink.close()
        assert reader.recv(1) == b""
    assert not path.exists()


def test_the_socket_is_for_its_user_alone_unless_said_otherwise(path: Path) -> None:
    for mode, expected in (("600", 0o600), ("666", 0o666)):
        sink = open_uri(f"unix:{path}", Options(mode=mode))
        assert stat.S_IMODE(path.stat().st_mode) == expected
        sink.close()


def test_a_socket_left_by_a_killed_daemon_is_taken_over(path: Path) -> None:
    program = f"import os; from kws.sinks import open_sink; open_sink('unix:{path}'); os._exit(9)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 9
    assert path.is_socket()
    open_sink(f"unix:{path}").close()
    assert not path.exists()


def test_a_socket_in_use_is_left_alone(sink: UnixSocket, path: Path) -> None:
    with pytest.raises(KwsError, match="another program"):
        open_sink(f"unix:{path}")
    with connected(path) as reader:
        sink.emit(gap(1))
        assert lines(reader, 1) == [gap(1)]


def test_a_file_of_that_name_is_left_alone(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(KwsError, match="something else"):
        open_sink(f"unix:{path}")
    assert path.read_text() == "precious"
