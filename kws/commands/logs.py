"""Where the daemon's log goes: standard error, in the form that suits who reads it."""

from __future__ import annotations

import logging
import os
import sys

_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}
"""syslog's numbers, as sd-daemon(3) has them."""


class JournalFormatter(logging.Formatter):
    """Lines that journald files under their priority."""

    def format(self, record: logging.LogRecord) -> str:
        """One line: what is left of a traceback's lines goes below, each with the same priority."""
        priority = f"<{_PRIORITIES.get(record.levelno, 6)}>"
        return "\n".join(priority + line for line in super().format(record).splitlines())


def log_to_stderr(level: str) -> None:
    """Let everything under the logger "kws" be written from this level on."""
    handler = logging.StreamHandler(sys.stderr)
    in_journal = "JOURNAL_STREAM" in os.environ
    handler.setFormatter(
        JournalFormatter("%(message)s") if in_journal else logging.Formatter("kws: %(message)s")
    )
    logger = logging.getLogger("kws")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(level.upper())
