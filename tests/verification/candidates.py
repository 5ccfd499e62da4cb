"""A day's candidates in few hours of audio: memory stays, however often the second stage is asked.

`kws daemon`, set up as in day.py, hears the selftest's words one right after the other, in noise of its own
each time, so that a second stage is asked every second. A part has as many words as an hour of day.py. Peaks
are the kernel's, those of the first part from its third repetition on.

Exit code 1 if memory grows by more than 1 MB after the first part, or if the counters and the file of events
disagree.

python tests/verification/candidates.py [--parts 24] [MODEL ...]      # default: bundled models; Linux only
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import click
import numpy as np
from day import MOST_GROWTH, Words, configuration, forget_peak, peak, settled
from soak import NOISE_RMS
from support.house import answers, figures_at, free_port, until

import kws
from kws.engine import Engine
from kws.selftest import bundled_recordings
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Block, Samples

PER_PART = 640
"""Words."""
BEFORE, AFTER = 0.9, 0.25
"""Seconds of audio around a block in which a second stage is asked."""
BLOCK = 640
"""Samples."""


@dataclass
class Heard:
    """What the daemon has heard and needed, part by part."""

    memory: list[float]
    """Highest in each, MB."""
    events: list[int]
    """Counted at the end of each."""
    true: bool = False
    """Whether the counters tell what stands in the file."""

    @property
    def growth(self) -> float:
        """From the first part's highest to the highest afterwards, MB."""
        return max(self.memory[1:]) - self.memory[0]


def words_alone(engine: Engine) -> tuple[Samples, int]:
    """The recordings where a second stage is asked, and how many words it confirms there."""
    speech = np.concatenate([read_samples(recording.audio) for recording in bundled_recordings()])
    kept, said = np.zeros(len(speech), bool), 0
    for start in range(0, len(speech), BLOCK):
        if engine.take(Block(speech[start : start + BLOCK])):
            kept[max(0, start - round(BEFORE * SAMPLE_RATE)) : start + round(AFTER * SAMPLE_RATE)] = True
        said += len(engine.told())
    return speech[kept], said


def in_noise(speech: Samples, part: int, number: int) -> bytes:
    """Other noise each time."""
    noise = np.random.default_rng([part, number]).normal(0, NOISE_RMS, len(speech))
    return np.clip(speech + noise, -32_768, 32_767).astype(np.int16).tobytes()


def run(names: tuple[str, ...], speech: Samples, parts: int, times: int) -> Heard:
    """`kws daemon` on so many parts of so many repetitions."""
    with tempfile.TemporaryDirectory() as folder:
        port, events = free_port(), Path(folder, "events.jsonl")
        config = Path(folder, "kws.toml")
        config.write_text(configuration(Words(names), port, events))
        command = [sys.executable, "-m", "kws", "daemon", "-c", str(config)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
            assert child.stdin
            until(lambda: answers(port), "daemon")
            heard = watched(child.pid, parts, times, port, speech, child.stdin.write)
            figures = settled(port, parts * times * len(speech) / SAMPLE_RATE)
            child.stdin.close()
        written = len(events.read_text().splitlines())
    sink = figures["kws_sink_delivered_total", "1"]
    heard.true = figures["kws_events_total", "detection"] == sink == written
    return heard


def watched(
    process: int, parts: int, times: int, port: int, speech: Samples, play: Callable[[bytes], object]
) -> Heard:
    """Play all of it, and look at the process after each part."""
    heard = Heard([], [])
    for part in range(parts):
        for number in range(times):
            play(in_noise(speech, part, number))
            figures = figures_at(port)
            if not part and number == 2:
                forget_peak(process)
        heard.memory.append(peak(process))
        heard.events.append(round(figures["kws_events_total", "detection"]))
        forget_peak(process)
    return heard


@click.command()
@click.option("--parts", default=24, show_default=True, type=click.IntRange(2))
@click.argument("models", nargs=-1)
def main(parts: int, models: tuple[str, ...]) -> None:
    """Print what was found; the last line sums it up."""
    names = tuple(models) or tuple(kws.bundled_names())
    speech, said = words_alone(kws.load(*names))
    times = round(PER_PART / said)
    heard = run(names, speech, parts, times)
    counts = [after - before for before, after in pairwise([0, *heard.events])]
    for number, (count, most) in enumerate(zip(counts, heard.memory, strict=True), 1):
        print(f"part {number}: {count} events, {most:.2f} MB at most")
    hours = parts * times * len(speech) / SAMPLE_RATE / 3600
    print(f"models: {', '.join(names)}; {hours:.1f} h of audio; counters true: {heard.true}")
    print(
        f"{heard.events[-1]} words: memory grew by {heard.growth:.2f} MB after part 1 "
        f"({MOST_GROWTH:g} allowed)"
    )
    sys.exit(0 if heard.true and heard.events[-1] and heard.growth <= MOST_GROWTH else 1)


if __name__ == "__main__":
    main()
