"""kws beside pymicro-wakeword on the same model files, so that runtimes are compared and not models."""

from __future__ import annotations

import subprocess
import sys
from typing import Any


def measure(rounds: int) -> dict[str, Any]:
    """What `kws bench` prints."""
    command = [sys.executable, "-m", "kws", "bench", "--runs", str(rounds)]
    return {
        "printed": subprocess.run(command, check=True, capture_output=True, text=True).stdout,
        "rounds": rounds,
    }


def section(found: dict[str, Any]) -> str:
    """The chapter of the page."""
    return _SECTION.format(**found)


_SECTION = """\
`kws bench --runs {rounds}`: fresh processes on a minute of the selftest's recordings. *kws, 1 model of the
peer* runs the peer's own model file in our engine.

```
{printed}```
"""
