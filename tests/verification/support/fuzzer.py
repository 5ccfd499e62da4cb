"""One target of tests/fuzz_targets.py under libFuzzer (package atheris), in a process of its own.

python fuzzer.py TARGET SECONDS LIBFUZZER_OPTION...     # feeds it; exit code 0 when the time is over
python fuzzer.py TARGET replay FOLDER PASSES            # prints how memory grew on reading them again, MB
"""

from __future__ import annotations

import ctypes
import gc
import signal
import sys
import time
from pathlib import Path
from types import FrameType

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
INSTRUMENTED = ["fuzz_targets", "kws", "wyoming", "hassil", "yaml", "tomllib"]
"""Packages whose branches steer the search."""


def main(name: str, mode: str, *options: str) -> None:
    """As above; `mode` is "replay", or the processor's seconds that one input may take."""
    if mode == "replay":
        print(f"{growth(name, Path(options[0]), int(options[1])):.2f}")
    else:
        feed(name, float(mode), *options)


def feed(name: str, most_seconds: float, *options: str) -> None:
    """Until libFuzzer ends the process. Seconds are the processor's, for the machine may be busy."""
    with atheris.instrument_imports(include=INSTRUMENTED):
        from fuzz_targets import TARGETS
    take = TARGETS[name].take
    slowest = 0.1

    def take_one(content: bytes) -> None:
        nonlocal slowest
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, most_seconds)
        take(content)
        signal.setitimer(signal.ITIMER_PROF, 0)
        if time.process_time() - began > slowest:
            slowest = time.process_time() - began
            print(f"slowest: {slowest:.2f}", file=sys.stderr)

    signal.signal(signal.SIGPROF, complain)
    atheris.Setup(["fuzzer", *options], take_one)
    atheris.Fuzz()


def complain(number: int, frame: FrameType | None) -> None:
    """One input has had its time."""
    raise TimeoutError("this input takes too long")


def growth(name: str, folder: Path, passes: int) -> float:
    """How memory grows in the last three quarters of so many passes over all inputs of a folder, MB."""
    from fuzz_targets import TARGETS

    inputs = [path.read_bytes() for path in sorted(folder.iterdir())]
    before = 0.0
    for number in range(passes):
        if number == passes // 4:
            before = in_use()
        for content in inputs:
            TARGETS[name].take(content)
    return in_use() - before


class MallocInfo(ctypes.Structure):
    """glibc's struct mallinfo2."""

    _fields_ = [
        (field, ctypes.c_size_t)
        for field in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def in_use() -> float:
    """Memory allocated and not freed, MB. Resident memory would go up and down by some MB by itself."""
    gc.collect()
    library = ctypes.CDLL(None)
    library.mallinfo2.restype = MallocInfo
    info = library.mallinfo2()
    return (info.uordblks + info.hblkhd) / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
