"""A log that nobody reads must not hold up what is logged."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
from threading import Event

from kws.commands.logs import MOST_LINES, UnhurriedHandler

UNREAD = """
import logging
from kws.commands.leaving import leave
from kws.commands.logs import log_to_stderr
log_to_stderr("info")
for number in range(20_000):
    logging.getLogger("kws").warning("line %d of a log that nobody reads", number)
print("still here", flush=True)
leave(["a sink"])
"""


def test_a_standard_error_that_nobody_reads_holds_nothing_up():
    unread, end = os.pipe()
    fill(end)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", UNREAD], stdout=subprocess.PIPE, stderr=end, timeout=60, env=buffered
        )
    finally:
        os.close(end)
        os.close(unread)
    assert (done.returncode, done.stdout) == (0, b"still here\n")


def fill(end: int) -> None:
    """As much as a pipe holds while nobody reads."""
    os.set_blocking(end, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(end, b"x" * 4096)
    os.set_blocking(end, True)


def test_lines_come_in_order_and_those_lost_are_counted():
    stream = Slow()
    handler = UnhurriedHandler(stream)
    log(handler, "first")
    stream.asked.wait()  # the thread has taken it, and hangs
    for number in range(MOST_LINES + 5):
        log(handler, f"line {number}")
    stream.free.set()
    while handler._waiting.unfinished_tasks:
        handler.flush()
    log(handler, "last")
    handler.flush()
    assert stream.lines[:3] == ["first\n", "line 0\n", "line 1\n"]
    assert stream.lines[-3:] == [
        f"line {MOST_LINES - 1}\n",
        "5 lines of the log lost: nobody read them\n",
        "last\n",
    ]


def test_a_standard_error_that_is_closed_is_left_alone():
    handler = UnhurriedHandler(None)
    log(handler, "to nobody")
    handler.flush()
    assert handler._waiting.unfinished_tasks == 0


class Slow:
    """Takes nothing until it is told to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.asked, self.free = Event(), Event()

    def write(self, line: str) -> None:
        self.asked.set()
        self.free.wait()
        self.lines.append(line)

    def flush(self) -> None:
        pass


def log(handler: logging.Handler, text: str) -> None:
    handler.handle(logging.LogRecord("kws", logging.WARNING, "", 0, text, (), None))
