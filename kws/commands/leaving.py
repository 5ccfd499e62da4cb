"""The end of a process in which a thread hangs, or works on what nobody waits for any more."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence


def leave(hanging: Sequence[str]) -> None:
    """End at once if something hangs: the interpreter would wait for it. Name what it was."""
    if not hanging:
        return
    logging.getLogger("kws").warning("ended while these still hung: %s", ", ".join(hanging))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
