"""Events as JSON lines on standard output, for a daemon: written whole, past Python's buffers."""

from __future__ import annotations

import os
from dataclasses import dataclass

from kws.errors import KwsError
from kws.sinks.notice import Notice, RefusedError


@dataclass(frozen=True)
class Options:
    """Standard output has no keys."""


class StandardOutput:
    """A DaemonSink on a file descriptor.

    A daemon's thread may hang in a write that nobody reads; inside Python's buffered stream it would
    hold that stream's lock then, and the interpreter could not end.
    """

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._closed = False

    def emit(self, notice: Notice, /) -> None:
        """Write the line; RefusedError once the reader is gone, which no later try can mend."""
        if self._closed:
            raise ValueError("this sink is closed")
        rest = (notice.to_json() + "\n").encode()
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BrokenPipeError as error:
            raise RefusedError("the reader of standard output is gone") from error

    def close(self) -> None:
        """Take no more; standard output belongs to the process and stays open."""
        self._closed = True


def open_uri(uri: str, options: Options) -> StandardOutput:
    """Standard output; there is nothing to address."""
    if problem := uri_problem(uri):
        raise KwsError(f"{uri}: standard output has no address; write {problem}")
    return StandardOutput()


def uri_problem(uri: str) -> str:
    """How it is written, if it is written otherwise."""
    return "" if uri == "stdout:" else '"stdout:"'
