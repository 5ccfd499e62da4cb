"""Eight hours through `kws run`: its memory stays, and each hour is heard as in a separate run.

The models have the second stages that they come with, which the first line of the result names.

The audio is made on the fly and piped in as raw PCM: the selftest's recordings over and over, in noise. Every
eighth of it has the same samples, so from the second on each is compared with the second of a separate run
of two eighths. (The first one begins with a front end that has heard nothing.) Resident memory is read as the
audio goes in.

Exit code 1 if memory grows by more than 1 MB after the first eighth, if the first eighths are not equal, or
if more than one event in ten is heard by one run alone. None would be too much to ask: a recurrent state
remembers enough to move a score by a hundredth, and among synthetic voices some words lie that close to a
threshold.

python tests/verification/soak.py [--hours 8] [MODEL ...]      # by default the bundled models; Linux only
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

import kws
from kws.selftest import bundled_recordings
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples

PARTS = 8
MOST_GROWTH = 1.0
"""MB, 10^6 bytes."""
CHUNK_SECONDS = 3
"""Memory is read this often; a whole number of model steps, so that each part begins with one."""
MOST_ALONE = 0.1
"""Share of events that one of two runs may hear alone."""
SHIFT_SECONDS = 0.1
"""Between two runs, of one event."""
NOISE_RMS = 30.0
"""Of full scale 32768: about -61 dB."""

Heard = tuple[str, float, float]
"""Name, score and end in seconds of its part."""


@dataclass(frozen=True)
class Run:
    """What one process heard and needed, part by part."""

    events: list[list[Heard]]
    memory: list[float]
    """Highest resident memory seen in each part, MB."""

    @property
    def growth(self) -> float:
        """From the first part's highest to the highest afterwards, MB."""
        return max(self.memory[1:]) - self.memory[0]


def run(models: list[str], parts: int, chunks: int) -> Run:
    """`kws run -` on so many parts of so many chunks each."""
    options = [word for model in models for word in ("--model", model)]
    memory = []
    with tempfile.TemporaryFile() as output:
        command = [sys.executable, "-m", "kws", "run", "-", *options]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output) as child:
            assert child.stdin
            for _ in range(parts):
                highest = 0.0
                for chunk in audio(chunks):
                    child.stdin.write(chunk.tobytes())
                    highest = max(highest, resident(child.pid))
                memory.append(highest)
            child.stdin.close()
        if child.returncode:
            raise SystemExit(f"kws run ended with exit code {child.returncode}")
        output.seek(0)
        return Run(by_part([json.loads(line) for line in output], parts, chunks * CHUNK_SECONDS), memory)


def audio(chunks: int) -> Iterator[Samples]:
    """One part, the same samples each time."""
    speech = np.concatenate([read_samples(recording.audio) for recording in bundled_recordings()])
    size = CHUNK_SECONDS * SAMPLE_RATE
    for number in range(chunks):
        places = np.arange(number * size, (number + 1) * size) % len(speech)
        noise = np.random.default_rng(number).normal(0, NOISE_RMS, size)
        yield np.clip(speech[places] + noise, -32_768, 32_767).astype(np.int16)


def resident(process: int) -> float:
    """Memory of a process that is in use now, MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1_024 / 1e6


def by_part(events: list[dict[str, object]], parts: int, seconds: float) -> list[list[Heard]]:
    """Events by the part in which they end, with their times in it."""
    heard: list[list[Heard]] = [[] for _ in range(parts)]
    for event in events:
        name, score, end = str(event["name"]), float(str(event["score"])), float(str(event["end"]))
        part = min(int(end / seconds), parts - 1)
        heard[part].append((name, score, round(end - part * seconds, 3)))
    return heard


def count_alone(one: list[Heard], other: list[Heard]) -> int:
    """Events of either that have no counterpart in the other."""
    left = list(other)
    alone = 0
    for name, _, end in one:
        same = [heard for heard in left if heard[0] == name and abs(heard[2] - end) <= SHIFT_SECONDS]
        if same:
            left.remove(same[0])
        else:
            alone += 1
    return alone + len(left)


def second_stage(model: str) -> str:
    """Of one model, as `kws run` takes it without being asked."""
    (word,) = kws.load(model).wake_words
    return Path(word.second_stage.get("confirm", "none")).stem


@click.command()
@click.option("--hours", default=8.0, show_default=True, help="Length of the long run.")
@click.argument("models", nargs=-1)
def main(hours: float, models: tuple[str, ...]) -> None:
    """Print what was found; the last line sums it up."""
    names = list(models) or kws.bundled_names()
    print(f"second stages: {', '.join(map(second_stage, names))}")
    chunks = max(1, round(hours * 3600 / PARTS / CHUNK_SECONDS))
    part_hours = chunks * CHUNK_SECONDS / 3600
    short, long = run(names, 2, chunks), run(names, PARTS, chunks)
    alone = sum(count_alone(events, short.events[1]) for events in long.events[1:])
    heard = sum(len(events) for events in long.events[1:])
    for number, (events, memory) in enumerate(zip(long.events, long.memory, strict=True), 1):
        print(f"part {number}, {part_hours:g} h: {len(events)} events, {memory:.2f} MB at most")
    print(
        f"{', '.join(names)}, {PARTS * part_hours:g} h: memory grew by {long.growth:.2f} MB after the first "
        f"part ({MOST_GROWTH:g} allowed); of {heard} events after it, {alone} stand in one of two runs alone."
    )
    alike = long.events[0] == short.events[0] and alone <= MOST_ALONE * heard
    sys.exit(0 if heard and alike and long.growth <= MOST_GROWTH else 1)


if __name__ == "__main__":
    main()
