"""Events as JSON lines, each handed over at once so that no reader waits: a stream, or a rotated file."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from kws.errors import KwsError
from kws.settings import setting
from kws.sinks.notice import Notice


@dataclass(frozen=True)
class Options:
    """How the file is rotated."""

    max_bytes: int = setting(
        10_000_000, "size at which the file is renamed to FILE.1 and begun anew", least=1_000
    )
    keep: int = setting(5, "how many renamed files stay; 0: the full one is deleted", least=0, most=1_000)


class JsonLines:
    """A Sink on a text stream of the caller: one event, one line, flushed."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._closed = False

    def emit(self, event: Notice, /) -> None:
        """Write the event's line; whatever the stream raises goes to the caller."""
        if self._closed:
            raise ValueError("this sink is closed")
        self._stream.write(_encodable(event.to_json(), self._stream) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing is held back, and the stream is not ours."""
        self._closed = True


class RotatedFile:
    """A DaemonSink on a file: whole lines only, also where the disk is full, and no more than asked for."""

    def __init__(self, path: Path, options: Options) -> None:
        self._path = path
        self._options = options
        self._descriptor: int | None = self._open()
        self._closed = False

    def emit(self, notice: Notice, /) -> None:
        """Append the line; OSError if it does not fit, and then nothing of it is in the file."""
        if self._closed:
            raise ValueError("this sink is closed")
        line = (notice.to_json() + "\n").encode()
        if self._descriptor is None or not self._is_there():
            self._reopen()
        assert self._descriptor is not None
        size = os.fstat(self._descriptor).st_size
        if size and size + len(line) > self._options.max_bytes:
            self._rotate()
            size = 0
        self._append(line, size)

    def close(self) -> None:
        """Close the file."""
        self._closed = True
        self._let_go()

    def _append(self, line: bytes, size: int) -> None:
        assert self._descriptor is not None
        try:
            written = os.write(self._descriptor, line)
            if written < len(line):  # the disk is full now; the next try says so
                os.write(self._descriptor, line[written:])
        except OSError:
            with contextlib.suppress(OSError):  # a device has no size
                os.ftruncate(self._descriptor, size)
            raise

    def _is_there(self) -> bool:
        """Whether the open file still has its name; another program may have moved it away."""
        assert self._descriptor is not None
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(self._path))
        except FileNotFoundError:
            return False

    def _rotate(self) -> None:
        self._let_go()
        for number in range(self._options.keep - 1, 0, -1):
            if self._numbered(number).exists():
                self._numbered(number).replace(self._numbered(number + 1))
        if self._options.keep:
            self._path.replace(self._numbered(1))
        else:
            self._path.unlink()
        self._reopen()

    def _reopen(self) -> None:
        self._let_go()
        self._descriptor = self._open()

    def _let_go(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = None

    def _open(self) -> int:
        # Of a named pipe that nobody reads both opening and writing would wait; of files neither does.
        waiting = getattr(os, "O_NONBLOCK", 0)
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | waiting, 0o640)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


def open_uri(uri: str, options: Options) -> JsonLines | RotatedFile:
    """Standard output for "jsonl:-", otherwise the file of that path, appended to; raises KwsError."""
    address = uri.partition(":")[2]
    if address == "-":
        if sys.stdout is None:
            raise KwsError("standard output is closed; send it to a file or a pipe")
        return JsonLines(sys.stdout)
    try:
        return RotatedFile(Path(address), options)
    except OSError as error:
        raise KwsError(
            f"{address}: events cannot be written there ({error.strerror}); name another file"
        ) from error


def uri_problem(uri: str) -> str:
    """How it is written, if this names no file. A daemon writes to standard output past Python's buffers."""
    return "" if uri.partition(":")[2] not in ("", "-") else 'jsonl:PATH, or "stdout:"'


def _encodable(line: str, stream: TextIO) -> str:
    """The line; its letters beyond ASCII escaped where the stream has no code for them."""
    try:
        line.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(json.loads(line))
    return line
