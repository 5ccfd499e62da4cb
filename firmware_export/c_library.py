"""Whether this system makes the filters that firmware has.

pymicro-features computes its filters when it starts, by `log1pf` of the system. C libraries differ in
its last bit, and compilers for processors other than x86-64 may join a product and a sum into one step.
With glibc from 2.41 on, which rounds exactly, two of 236 weights are one unit of 4096 off from those of
microcontrollers, and so now and then is a row; in a quiet channel, where that unit is all the energy
there is, it is far off.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable

import numpy as np

from firmware_export.c99.frontend_tables import Filterbank, Log1p
from kws.frontend import FrontendConfig
from kws.processor import is_x86_64


def makes_same_filters(log1p: Log1p | None = None) -> bool:
    """By the system's logarithm, or the one given; False where that does not tell."""
    log1p = log1p or (system_log1p() if is_x86_64() else None)
    if log1p is None:
        return False
    ours, theirs = Filterbank(FrontendConfig()), Filterbank(FrontendConfig(), log1p)
    return all(
        np.array_equal(getattr(ours, name), getattr(theirs, name)) for name in ("edge", "weight", "unweight")
    )


def system_log1p() -> Log1p | None:
    """log(1 + x) as programs on this system compute it in single precision; None where it is not found."""
    function = _log1pf_in(None) or _log1pf_in(ctypes.util.find_library("m"))
    return np.vectorize(function, otypes=[np.float32]) if function else None


def _log1pf_in(library: str | None) -> Callable[[float], float] | None:
    """In one library, or in what this process has loaded."""
    try:
        function: Callable[[float], float] = ctypes.CDLL(library).log1pf
    except (OSError, AttributeError, TypeError):
        return None
    function.argtypes, function.restype = (ctypes.c_float,), ctypes.c_float  # type: ignore[attr-defined]
    return function
