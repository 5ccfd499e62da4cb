"""What `kws bench` measures, in a process of its own: load, say "ready", hear a recording, report.

    python worker.py kws BLOCK AUDIO.wav MODEL...
    python worker.py pymicro-wakeword BLOCK AUDIO.wav MODEL.json...

It hears BLOCK samples at a time. Standard output is two lines: "ready" once the models are loaded, then a
JSON object. It is run by its path and imports nothing of kws by itself, or the peer would pay for that.
"""

import json
import os
import sys
import time
import wave
from collections.abc import Callable, Sequence
from typing import Any

Hear = Callable[[Any], None]
"""Takes int16 samples, 16 kHz mono."""


def main() -> None:
    """Measure the runtime named by the first argument."""
    kind, block, audio, *models = sys.argv[1:]
    _use_one_core()
    hear = {"kws": _kws, "pymicro-wakeword": _pymicro_wakeword}[kind](models, int(block))
    print("ready", flush=True)
    samples, seconds = _read(audio)
    before = time.process_time()
    hear(samples)
    spent = time.process_time() - before
    print(json.dumps({"cpu": spent / seconds, "peak_mb": _peak_bytes() / 1e6}), flush=True)


def _kws(models: Sequence[str], block: int) -> Hear:
    from kws.commands.options import quiet_runtime
    from kws.daemon import listen
    from kws.engine import Engine, load
    from kws.sinks.memory import Collector
    from kws.sources.memory import from_samples

    with quiet_runtime():
        engine = load(*models) if models else Engine([])
    return lambda samples: listen(from_samples(samples, block=block), engine, [Collector()])


def _pymicro_wakeword(models: Sequence[str], block: int) -> Hear:
    from pymicro_wakeword import MicroWakeWord, MicroWakeWordFeatures  # type: ignore[import-untyped,unused-ignore]

    features = MicroWakeWordFeatures()
    words = [MicroWakeWord.from_config(path) for path in models]

    def hear(samples: Any) -> None:
        for start in range(0, len(samples), block):
            for row in features.process_streaming(samples[start : start + block].tobytes()):
                for word in words:
                    word.process_streaming(row)

    return hear


def _read(audio: str) -> tuple[Any, float]:
    """Samples and seconds of a 16-bit mono WAV."""
    import numpy as np

    with wave.open(audio) as file:
        frames = file.getnframes()
        return np.frombuffer(file.readframes(frames), "<i2").astype(np.int16), frames / file.getframerate()


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
