"""Where the daemon's log goes: standard error, in the form that suits who reads it."""

from __future__ import annotations

import logging
import os
import sys
from queue import Full, Queue
from threading import Thread
from typing import TextIO

MOST_LINES = 1000
"""That wait for a standard error which nobody reads."""
FLUSH_SECONDS = 0.1
"""Spent at most at the end on writing what still waits."""

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}
"""syslog's numbers, as sd-daemon(3) has them."""


class JournalFormatter(logging.Formatter):
    """Lines that journald files under their priority."""

    def format(self, record: logging.LogRecord) -> str:
        """One line: what is left of a traceback's lines goes below, each with the same priority."""
        priority = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(priority + line for line in super().format(record).splitlines())


class UnhurriedHandler(logging.Handler):
    """Writes by a thread of its own: where nobody reads, lines are lost, and the audio goes on.

    Args:
        stream: where to; how many lines were lost is said there once it takes lines again.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._waiting: Queue[str] = Queue(MOST_LINES)
        self._lost = 0
        Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand it to the thread."""
        try:
            if self._lost:
                self._waiting.put_nowait(self.format(_of_lost(self._lost)))
                self._lost = 0
            self._waiting.put_nowait(self.format(record))
        except Full:
            self._lost += 1

    def flush(self) -> None:
        """Wait for what was handed over, FLUSH_SECONDS at most."""
        with self._waiting.all_tasks_done:
            self._waiting.all_tasks_done.wait_for(lambda: not self._waiting.unfinished_tasks, FLUSH_SECONDS)

    def _write(self) -> None:
        while True:
            line = self._waiting.get()
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (OSError, ValueError, AttributeError):  # closed, or there is none
                pass
            finally:
                self._waiting.task_done()


def _of_lost(lines: int) -> logging.LogRecord:
    text = "%d lines of the log lost: nobody read them"
    return logging.LogRecord("kws", logging.WARNING, "", 0, text, (lines,), None)


def log_to_stderr(level: str) -> None:
    """Let everything under the logger "kws" be written from this level on."""
    handler = UnhurriedHandler(sys.stderr)
    in_journal = "JOURNAL_STREAM" in os.environ
    handler.setFormatter(
        JournalFormatter("%(message)s") if in_journal else logging.Formatter("kws: %(message)s")
    )
    logger = logging.getLogger("kws")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(level.upper())
