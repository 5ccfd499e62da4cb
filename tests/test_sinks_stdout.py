"""Standard output of a daemon: whole lines into a pipe, and a reader that is gone."""

from __future__ import annotations

import os
import threading

import pytest

from kws.events import Gap
from kws.sinks.notice import RefusedError
from kws.sinks.stdout import StandardOutput


def test_a_line_larger_than_a_pipe_arrives_whole() -> None:
    event = Gap(start=0.0, end=0.0, reason="x" * 300_000)
    read, write = os.pipe()
    sink = StandardOutput(write)
    writer = threading.Thread(target=sink.emit, args=[event])
    writer.start()
    with os.fdopen(read) as reader:
        assert reader.readline() == event.to_json() + "\n"
    writer.join()
    os.close(write)


def test_a_reader_that_is_gone_is_final() -> None:
    read, write = os.pipe()
    os.close(read)
    with pytest.raises(RefusedError, match="reader"):
        StandardOutput(write).emit(Gap(start=0.0, end=0.0, reason="x"))
    os.close(write)
