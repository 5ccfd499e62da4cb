"""A Unix socket that any number of programs read: `unix:/run/kws/events`, each event a line of JSON."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path

from kws.errors import KwsError
from kws.settings import setting
from kws.sinks.notice import Notice

WAITING_READERS = 32
"""Readers that may connect between two events."""


@dataclass(frozen=True)
class Options:
    """Who may read."""

    mode: str = setting(
        "600", 'permissions of the socket, in octal, "666" for every user', check=lambda m: _mode(m)
    )


class UnixSocket:
    """A DaemonSink that listens. Readers are let in when the next event comes, and they get that event.

    A reader that is so far behind that its socket is full is disconnected: it would miss events anyway, and
    so it learns it.
    """

    def __init__(self, path: Path, mode: int) -> None:
        self._path = path
        self._readers: list[socket.socket] = []
        self._listener = _bound(path, mode)
        self._identity = os.stat(path).st_ino

    def emit(self, notice: Notice, /) -> None:
        """Send the line to all who are connected; that nobody is, is no failure."""
        if self._listener.fileno() < 0:
            raise ValueError("this sink is closed")
        self._let_in()
        line = (notice.to_json() + "\n").encode()
        for reader in list(self._readers):
            if not _sent_whole(reader, line):
                reader.close()
                self._readers.remove(reader)

    def close(self) -> None:
        """Disconnect all, and remove the socket if it is still ours."""
        self._let_in()
        for connection in (*self._readers, self._listener):
            connection.close()
        with contextlib.suppress(FileNotFoundError):
            if os.stat(self._path).st_ino == self._identity:
                self._path.unlink()

    def _let_in(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                reader, _ = self._listener.accept()
                reader.setblocking(False)
                self._readers.append(reader)


def open_uri(uri: str, options: Options) -> UnixSocket:
    """Listening at that path; raises KwsError if it cannot, or another program does."""
    if problem := uri_problem(uri):
        raise KwsError(f"{uri}: has no path; write it as {problem}")
    path = Path(uri.partition(":")[2])
    try:
        return UnixSocket(path, int(options.mode, 8))
    except OSError as error:
        raise KwsError(
            f"{uri}: cannot listen there ({error.strerror or error}); name a path that may be written"
        ) from error


def uri_problem(uri: str) -> str:
    """How it is written, if this has no path."""
    return "" if Path(uri.partition(":")[2]).name else "unix:/run/kws/events"


def _bound(path: Path, mode: int) -> socket.socket:
    _remove_leftover(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o177)  # nobody may connect before the mode is set
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        path.chmod(mode)
        listener.listen(WAITING_READERS)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_leftover(path: Path) -> None:
    """Remove a socket that nobody listens on, as a killed daemon leaves it; OSError if it is in use."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise OSError(None, "something else is there")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise OSError(None, "another program listens there")


def _sent_whole(reader: socket.socket, line: bytes) -> bool:
    try:
        return reader.send(line) == len(line)
    except OSError:  # gone, or full
        return False


def _mode(text: str) -> str:
    fits = len(text) == 3 and all(digit in "01234567" for digit in text)
    return "" if fits else 'three octal digits, for example "660"'
