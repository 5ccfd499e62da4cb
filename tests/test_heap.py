"""Large arrays of a process that lives long come from pages of their own, also after others were freed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kws.heap import keep_flat

_PROGRAM = """
import ctypes, sys
import numpy as np
from kws.heap import keep_flat

class MallInfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

mallinfo2 = ctypes.CDLL("libc.so.6").mallinfo2
mallinfo2.restype = MallInfo
if "flat" in sys.argv:
    assert keep_flat()
del_me = np.ones(8_000_000, np.uint8)
del del_me
before = mallinfo2().hblks
kept = np.ones(400_000, np.uint8)
print(mallinfo2().hblks - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_an_array_is_mapped_also_after_a_larger_one_was_freed() -> None:
    mapped = {}
    for how in ("flat", "usual"):
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM, how], capture_output=True, text=True, check=True
        )
        mapped[how] = int(done.stdout)
    assert mapped == {"flat": 1, "usual": 0}


def test_what_the_environment_says_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "65536")
    assert not keep_flat()
    assert os.environ["MALLOC_MMAP_THRESHOLD_"] == "65536"
