"""What a second stage costs: memory, CPU time of quiet hours and of the worst block.

python -m benchmarks.second_stage [--rounds 9] [MODEL ...]      # by default the bundled models

Each configuration is measured in a process of its own. Blocks are those of a microphone. For the worst one
all words propose at once, or each a row of its model after the other, in noise in which the second stage
finds none of them, so that every look is carried to its end. The first proposal of all opens it.
"""

from __future__ import annotations

import functools
import multiprocessing
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile
from statistics import median

import click
import numpy as np
import numpy.typing as npt

from kws.bench.process import BLOCK
from kws.bundle import bundled_names
from kws.commands.options import quiet_runtime
from kws.detector import Candidate
from kws.engine import Engine, WakeWord
from kws.loading import load
from kws.types import SAMPLE_RATE, Block

QUIET_SECONDS = 20
ROUND_SECONDS = 5.0
"""From one proposal to the next, longer than a look waits."""
BEFORE_SECONDS = 3.0
"""Of them before the proposal."""
NOISE_RMS = 30.0
"""Of full scale 32768."""


@dataclass(frozen=True)
class Cost:
    """Of one configuration."""

    memory: float
    """Resident, MB, after the last proposal."""
    quiet: float
    """CPU seconds per second of audio without a proposal, the lowest of the rounds: other work only adds."""
    first: float
    """Milliseconds of the first block with a proposal."""
    at_once: float
    """Longest block, ms, median of the rounds."""
    apart: float
    """The same where the words propose a row after the other."""


class Stream:
    """Noise without end, pushed to an engine block by block."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._noise = np.random.default_rng(0)
        self._samples = 0

    @property
    def seconds(self) -> float:
        """Heard so far."""
        return self._samples / SAMPLE_RATE

    def push(self, seconds: float) -> Iterator[float]:
        """CPU seconds that each block takes."""
        for _ in range(round(seconds * SAMPLE_RATE / BLOCK)):
            block = Block(self._noise.normal(0, NOISE_RMS, BLOCK).astype(np.int16))
            began = time.process_time()
            self.engine.push(block)
            yield time.process_time() - began
            self._samples += BLOCK


def measure(models: tuple[str, ...], confirm: str, rounds: int) -> Cost:
    """In this process."""
    with quiet_runtime():
        engine = load(*models, confirm=confirm)
    stream = Stream(engine)
    quiet = [sum(stream.push(QUIET_SECONDS)) / QUIET_SECONDS for _ in range(rounds)]
    with quiet_runtime():
        first = worst_block(stream, 0.0)
    at_once = median(worst_block(stream, 0.0) for _ in range(rounds))
    row_seconds = engine.wake_words[0].bundle.rows.row_seconds
    apart = median(worst_block(stream, row_seconds) for _ in range(rounds))
    return Cost(resident_mb(), min(quiet), first, at_once, apart)


def worst_block(stream: Stream, step: float) -> float:
    """Longest of the blocks around proposals that are so many seconds apart, ms."""
    for number, word in enumerate(stream.engine.wake_words):
        propose(word, stream.seconds, stream.seconds + BEFORE_SECONDS + number * step)
    return 1_000 * max(stream.push(ROUND_SECONDS))


def propose(word: WakeWord, now: float, seconds: float) -> None:
    """Let its detector find the word once at that moment of the stream, and nothing else, from `now` on."""
    (detector,) = word.detectors
    hears = type(detector).push
    before, at = (_steps(word, moment) for moment in (now, seconds))
    steps_to_come = at - before

    def push(outputs: npt.NDArray[np.uint8]) -> list[Candidate]:
        nonlocal steps_to_come
        hears(detector, outputs)
        is_now = 0 < steps_to_come <= len(outputs)
        steps_to_come -= len(outputs)
        return [Candidate(at - 1, 1.0, at - 1)] if is_now else []

    detector.push = push  # type: ignore[method-assign]


def _steps(word: WakeWord, seconds: float) -> int:
    """Of its model, complete by a moment of the stream."""
    ends = (word.step_end(step) for step in count())
    return sum(1 for _ in takewhile(lambda end: end <= seconds * SAMPLE_RATE, ends))


def resident_mb() -> float:
    """Memory of this process that is in use now."""
    with open("/proc/self/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1_024 / 1e6 for line in status if line.startswith("VmRSS"))


@click.command()
@click.option("--rounds", default=9, show_default=True)
@click.argument("models", nargs=-1)
def main(rounds: int, models: tuple[str, ...]) -> None:
    """Print a line for one word and for all of them, each with and without its second stage."""
    names = models or tuple(bundled_names())
    print("words  second stage  memory, MB  quiet, CPU s per s  worst block, ms: first, at once, a row apart")
    for some in dict.fromkeys((names[:1], names)):
        for confirm in ("none", "auto"):
            with multiprocessing.get_context("spawn").Pool(1) as fresh:
                cost = fresh.apply(functools.partial(measure, some, confirm, rounds))
            print(
                f"{len(some):5}  {confirm:12}  {cost.memory:10.1f}  {cost.quiet:18.5f}  "
                f"{cost.first:6.1f} {cost.at_once:6.1f} {cost.apart:6.1f}"
            )


if __name__ == "__main__":
    main()
