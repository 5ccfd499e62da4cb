"""What `kws bench` measures, in a process of its own: load, say "ready", hear a recording, report.

    python -m kws.bench_worker kws AUDIO.wav MODEL...
    python -m kws.bench_worker pymicro-wakeword AUDIO.wav MODEL.json...

Standard output is two lines: "ready" once the models are loaded, then a JSON object.
"""

from __future__ import annotations

import json
import os
import sys
import time
import wave
from collections.abc import Callable, Sequence

READ_BYTES = 3200
"""The peer is fed 100 ms at a time."""


def main() -> None:
    """Measure the runtime named by the first argument."""
    kind, audio, *models = sys.argv[1:]
    _use_one_core()
    hear = {"kws": _kws, "pymicro-wakeword": _pymicro_wakeword}[kind](models)
    print("ready", flush=True)
    before = time.process_time()
    hear(audio)
    spent = time.process_time() - before
    with wave.open(audio) as file:
        seconds = file.getnframes() / file.getframerate()
    print(json.dumps({"cpu": spent / seconds, "peak_mb": _peak_bytes() / 1e6}), flush=True)


def _kws(models: Sequence[str]) -> Callable[[str], object]:
    from kws.commands.options import load_engine
    from kws.daemon import listen
    from kws.engine import Engine
    from kws.sinks.memory import Collector
    from kws.sources import open_source

    engine = load_engine(tuple(models)) if models else Engine([])
    return lambda audio: listen(open_source(audio), engine, [Collector()])


def _pymicro_wakeword(models: Sequence[str]) -> Callable[[str], object]:
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures  # type: ignore[import-untyped,unused-ignore]

    features = MicroWakeWordFeatures()
    words = [MicroWakeWord.from_config(path) for path in models]

    def hear(audio: str) -> None:
        with wave.open(audio) as file:
            while chunk := file.readframes(READ_BYTES // 2):
                for row in features.process_streaming(chunk):
                    for word in words:
                        word.process_streaming(row)

    return hear


def _use_one_core() -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def _peak_bytes() -> int:
    """Largest resident size of this process so far, 0 where the system does not tell."""
    try:
        # Not getrusage: on Linux its figure survives exec, so a large parent would count.
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except OSError:
        return _peak_by_getrusage()


def _peak_by_getrusage() -> int:
    try:
        import resource
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS, the system without /proc


if __name__ == "__main__":
    main()
