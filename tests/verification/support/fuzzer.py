"""One target of tests/fuzz_targets.py under libFuzzer (package atheris), in a process of its own.

python fuzzer.py TARGET SECONDS LIBFUZZER_OPTION...     # feeds it; exit code 0 when the time is over
python fuzzer.py TARGET replay FOLDER PASSES            # prints how memory grew on reading them again, MB
"""

from __future__ import annotations

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
    """How memory grows over so many passes over all inputs of a folder, MB, once caches are full.

    It is resident memory, which goes up and down by some MB as the allocator sees fit; therefore the lowest
    of the last quarter of the passes is compared with the lowest of the second.
    """
    from fuzz_targets import TARGETS

    inputs = [path.read_bytes() for path in sorted(folder.iterdir())]
    memory = []
    for _ in range(passes):
        for content in inputs:
            TARGETS[name].take(content)
        memory.append(resident())
    quarter = passes // 4
    return min(memory[-quarter:]) - min(memory[quarter : 2 * quarter])


def resident() -> float:
    """Memory of this process that is in use now, MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4_096 / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
