"""File descriptor 2 turned aside for a while: C and C++ libraries write to it past `sys.stderr`."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import IO, Any


@contextlib.contextmanager
def turned_into(file: IO[Any]) -> Iterator[None]:
    """What is written to file descriptor 2 goes to this file; a closed standard error is left alone."""
    if sys.stderr is None:
        yield
        return
    with contextlib.suppress(OSError, ValueError):  # its reader is gone, or a program has closed it
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # closed since
        yield
        return
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """What is written to file descriptor 2 is lost, for libraries whose errors come back another way."""
    with open(os.devnull, "w") as nowhere, turned_into(nowhere):
        yield
