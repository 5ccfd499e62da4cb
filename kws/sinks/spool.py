"""Events of one sink on disk for as long as they wait, so that they outlive the process.

The file is a SQLite database: a change of it is there whole or not at all, whenever the process or the power
goes. It holds what waits and nothing else; an event that is delivered at once may never be written.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Mapping

from kws.errors import KwsError
from kws.sinks.notice import Notice, Restored, fields_of

SETTLE_SECONDS = 1.0
"""What waits longer is also forced out of the computer's memory, for the power may go; and so often a file
that failed is tried again."""
SETTINGS = (
    "locking_mode = EXCLUSIVE",
    "journal_mode = WAL",
    "synchronous = NORMAL",
    "wal_autocheckpoint = 64",
)
"""No second daemon takes the file, and no shared memory is needed; a change outlives the process without
waiting for the disk; the log of changes stays below some 64 pages of 4 KiB."""
LAYOUT = "CREATE TABLE IF NOT EXISTS waiting (number INTEGER PRIMARY KEY, line TEXT NOT NULL)"

Waiting = Mapping[int, Notice]
"""Number -> what waits; the oldest has the smallest."""

_log = logging.getLogger(__name__)


class SpoolFile:
    """The file alone. Any thread may use it, one at a time.

    Raises:
        KwsError: it cannot be opened, is something else, or another daemon has it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self._database = _connected(path)
            self.restored = self._opened()
            """What waited when the last run ended."""
        except (OSError, sqlite3.Error, ValueError, TypeError, KeyError) as error:
            taken = "locked" in str(error)
            reason = "another sink or daemon has it" if taken else _reason(error)
            raise KwsError(f"{path}: events cannot wait there ({reason}); name another file") from error
        self._held = set(self.restored)

    @property
    def depth(self) -> int:
        """Events in it."""
        return len(self._held)

    def keep(self, waiting: Waiting) -> None:
        """Let the file hold exactly these; sqlite3.Error if it cannot, and then it is as before."""
        gone, come = self._held - waiting.keys(), waiting.keys() - self._held
        if not gone and not come:
            return
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany("DELETE FROM waiting WHERE number = ?", [(number,) for number in gone])
            self._database.executemany(
                "INSERT INTO waiting VALUES (?, ?)", [(number, waiting[number].to_json()) for number in come]
            )
            self._database.execute("COMMIT")
        except sqlite3.Error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise
        self._held = set(waiting)

    def settle(self) -> None:
        """Force it onto the disk; sqlite3.Error if that fails."""
        self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def _opened(self) -> dict[int, Restored]:
        try:
            for setting in SETTINGS:
                self._database.execute(f"PRAGMA {setting}").fetchall()
            self._database.execute(LAYOUT)
            rows = self._database.execute("SELECT number, line FROM waiting ORDER BY number").fetchall()
            kept = {number: Restored(line) for number, line in rows}
            for notice in kept.values():
                fields_of(notice)["type"]  # raises for what is no event's line
        except Exception:
            self._database.close()
            raise
        return kept


class Spool:
    """Keeps the file up to date, in a thread of its own: a disk that hangs must not hold up the audio.

    Args:
        waiting: what waits at this moment; any thread may call it.
    """

    def __init__(self, file: SpoolFile, waiting: Callable[[], Waiting]) -> None:
        self._file = file
        self._waiting = waiting
        self._works = True
        self._changed = threading.Event()
        self._closing = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"spool {file.path}", daemon=True)
        """Writes, to the file's end."""
        self.thread.start()

    @property
    def depth(self) -> int:
        """Events in the file."""
        return self._file.depth

    def changed(self) -> None:
        """Something else waits now; never waits itself."""
        self._changed.set()

    def finish(self) -> None:
        """Write what waits a last time, and end."""
        self._closing.set()
        self._changed.set()

    def _run(self) -> None:
        settled = True
        while not self._closing.is_set():
            changed = self._changed.wait(None if settled else SETTLE_SECONDS)
            self._changed.clear()
            settled = self._written(settle=not changed)
        self._written(settle=False)
        self._file.close()

    def _written(self, settle: bool) -> bool:
        """Bring the file up to date; whether nothing is left to do until the next change."""
        try:
            waiting = self._waiting()
            self._file.keep(waiting)
            if settle:
                self._file.settle()
        except sqlite3.Error as error:
            self._failed(error)
            return False
        if not self._works:
            _log.warning("%s: works again", self._file.path)
        self._works = True
        return settle or not waiting

    def _failed(self, error: sqlite3.Error) -> None:
        if self._works:  # once an outage, or the log would fill
            _log.warning("%s: %s; events wait in memory alone", self._file.path, _reason(error))
        self._works = False


def _connected(path: str) -> sqlite3.Connection:
    # Made by us: SQLite would let every user read what is said in this home.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)


def _reason(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text or type(error).__name__
