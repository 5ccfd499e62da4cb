"""The end of a process that has closed what is to be closed."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn


def leave(hanging: Sequence[str]) -> NoReturn:
    """End at once, and name what hung: the interpreter would wait for it.

    Where nothing hangs it would take its memory apart, the words of a recognizer one by one: a second where
    others work too, several on a small computer.
    """
    if hanging:
        logging.getLogger("kws").warning("ended while these still hung: %s", ", ".join(hanging))
    # Not logging.shutdown(), which also flushes standard error itself and waits for whoever does not read it.
    for handler in logging.getLogger("kws").handlers:
        handler.flush()
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or there is none
        sys.stdout.flush()
    os._exit(0)
