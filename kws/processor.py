"""What kind of processor this is, where arithmetic depends on it."""

from __future__ import annotations

import platform

_X86_64 = ("x86_64", "AMD64")
"""As Linux and macOS, and as Windows name it."""


def is_x86_64() -> bool:
    """On others LiteRT's kernels round some products up, and compilers may join a product and a sum into one
    step, so that results differ in the last bit."""
    return platform.machine() in _X86_64
