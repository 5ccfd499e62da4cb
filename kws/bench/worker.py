"""What is measured, in a process of its own: load an engine, say "ready", hear a recording, report.

    python -I worker.py < plan.json

The plan is a JSON object:

    adapter  path of a Python file with load(models, **options), which returns push: that takes the bytes
             of a chunk and returns a score for each model, or None when the chunk completed no step
    models   what `load` is given, as `options` are its keywords
    streams  engines that hear the same audio side by side
    audio    a WAV of 16-bit mono; it is heard over and over
    chunk    samples handed over at a time
    warm     seconds heard before anything is measured
    seconds  heard and measured
    scores   null, or a file to be filled with what the first stream returned: for each step, as float64,
             the second at which its chunk ended, then the scores

Standard output is two lines: "ready" once everything is loaded, then a JSON object with CPU seconds of
loading and of a second of audio, the largest resident memory, and percentiles of the CPU time of a chunk. It
is run by its path, in any environment, and imports nothing but the standard library by itself, or a peer
would pay for that.
"""

import importlib.util
import json
import os
import sys
import time
import wave
from array import array
from collections.abc import Callable, Iterator, Sequence
from typing import Any

RATE = 16_000
_MOST_TIMED = 20_000
"""Chunks whose time is kept, so that memory does not grow with the audio."""

Push = Callable[[bytes], Sequence[float] | None]


def main() -> None:
    """Follow the plan on standard input."""
    plan = json.load(sys.stdin)
    _use_one_core()
    load = _module(plan["adapter"]).load
    streams = [load(plan["models"], **plan["options"]) for _ in range(plan["streams"])]
    loading = time.process_time()
    print("ready", flush=True)
    print(json.dumps({"loading": loading, **_heard(streams, plan)}), flush=True)


def _heard(streams: Sequence[Push], plan: dict[str, Any]) -> dict[str, float]:
    chunks = _chunks(plan["audio"], plan["chunk"])
    for _ in range(_count(plan, "warm")):
        chunk = next(chunks)
        for push in streams:
            push(chunk)
    first, *others = streams
    took, track = array("d"), array("d")
    cpu = time.process_time()
    for number in range(_count(plan, "seconds")):
        chunk = next(chunks)
        began = time.thread_time()
        scores = first(chunk)
        for push in others:
            push(chunk)
        if number < _MOST_TIMED:
            took.append(time.thread_time() - began)
        if plan["scores"] and scores is not None:
            track.append((number + 1) * plan["chunk"] / RATE)
            track.extend(scores)
    cpu = time.process_time() - cpu
    if plan["scores"]:
        with open(plan["scores"], "wb") as file:
            track.tofile(file)
    ordered = sorted(took)
    return {
        "cpu": cpu / plan["seconds"],
        "peak_mb": _peak_bytes() / 1e6,
        "p50": _quantile(ordered, 0.5),
        "p99": _quantile(ordered, 0.99),
    }


def _count(plan: dict[str, Any], seconds: str) -> int:
    return round(float(plan[seconds]) * RATE / int(plan["chunk"]))


def _chunks(audio: str, samples: int) -> Iterator[bytes]:
    """Endless: what is left at the end of the recording is filled up from its start."""
    with wave.open(audio) as file:
        while True:
            chunk = file.readframes(samples)
            while len(chunk) < 2 * samples:
                file.rewind()
                chunk += file.readframes(samples - len(chunk) // 2)
            yield chunk


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _module(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("adapter", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
