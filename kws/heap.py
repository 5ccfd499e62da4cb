"""Memory that large temporary arrays leave behind, for processes that live for months.

glibc raises the size from which it maps an array into pages of its own as soon as one of them is freed
(mallopt(3), M_MMAP_THRESHOLD); arrays of some hundred kB then come from the heap, which they cut up, so
that it grows now and then. Where the size is set it stays, and what is freed goes back to the system.
"""

from __future__ import annotations

import ctypes
import os

MAPPED_FROM = 128 * 1024
"""Bytes; glibc's own first value."""
_M_MMAP_THRESHOLD = -3


def keep_flat() -> bool:
    """Hold the size for this process; False where there is no glibc, or the environment sets it already."""
    if "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return False
    try:
        return bool(ctypes.CDLL("libc.so.6").mallopt(_M_MMAP_THRESHOLD, MAPPED_FROM))
    except (OSError, AttributeError):
        return False
