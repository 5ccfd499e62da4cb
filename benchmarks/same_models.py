"""kws beside pymicro-wakeword on the same model files, so that runtimes are compared and not models."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from benchmarks.table import rounds_text
from kws.errors import KwsError


def measure(rounds: int) -> dict[str, Any]:
    """What `kws bench` prints; raises KwsError with its last line where it fails."""
    command = [sys.executable, "-m", "kws", "bench", "--runs", str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise KwsError((done.stderr.strip().splitlines() or ["kws bench failed"])[-1])
    return {"printed": done.stdout, "rounds": rounds}


def section(found: dict[str, Any]) -> str:
    """The chapter of the page."""
    return _SECTION.format(of=rounds_text(found["rounds"], "configuration"), **found)


_SECTION = """\
`kws bench --runs {rounds}`: fresh processes on a minute of the selftest's recordings, {of}.
Its seconds are those of its hour: between chapters only ratios compare. *kws, 1 model of the peer* runs the
peer's own model file in our engine.

```
{printed}```
"""
