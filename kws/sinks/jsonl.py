"""Events as JSON lines, each handed over at once so that a pipe's reader never waits."""

from __future__ import annotations

import sys
from typing import TextIO

from kws.errors import KwsError
from kws.events import Event


class JsonLines:
    """A Sink: one event, one line, flushed. It closes the stream only when told that it owns it."""

    def __init__(self, stream: TextIO, *, owns_stream: bool = False) -> None:
        self._stream = stream
        self._owns_stream = owns_stream

    def emit(self, event: Event, /) -> None:
        """Write the event's line; whatever the stream raises goes to the caller."""
        self._stream.write(event.to_json() + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing is held back; close the stream if it is ours."""
        if self._owns_stream:
            self._stream.close()


def open_address(address: str) -> JsonLines:
    """Standard output for "-", otherwise the file of that path, appended to; raises KwsError."""
    if address == "-":
        return JsonLines(sys.stdout)
    try:
        return JsonLines(open(address, "a", encoding="utf-8"), owns_stream=True)
    except OSError as error:
        raise KwsError(
            f"{address}: events cannot be written there ({error.strerror}); name another file"
        ) from error
