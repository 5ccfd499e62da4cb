"""A day of audio through `kws daemon`, faster than real time: memory stays, each hour is heard as if alone.

The daemon has a configuration file, sinks, and a page of figures that is asked for every minute of audio. Its
audio is raw PCM on standard input: the selftest's recordings over and over, each hour beginning elsewhere, in
noise of its own. Beside it every hour is played to a daemon of its own, and the lists of events are compared.

Exit code 1 if memory grows by more than 1 MB after the first hour, if the counters and the file of events
disagree, if the first hour differs, or if more than one event in fifty is heard by one of the two alone. None
would be too much to ask: the bundled models' recurrent state remembers enough to move a score by some
hundredths (see drift.txt), and a front end that begins with the hour must first learn how loud the room is.
So the differences are counted by cause. Then the same is done with the bundled models' first stages alone,
and with a model without such a state: from the second minute of each hour on every one of its events must be
the same, to the last digit.

python tests/verification/day.py [--hours 24] [--seconds-per-hour 3600] [--exact] [--confirm auto] [MODEL ...]
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from soak import NOISE_RMS
from support.house import MODEL, Figures, answers, figures_at, free_port, until

import kws
from kws.selftest import bundled_recordings
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples

JOBS = 1
"""Separate hours at a time, beside the day."""
CHUNK_SECONDS = 60
"""A whole number of model steps, so that each hour begins with one."""
MOST_GROWTH = 1.0
"""MB, 10^6 bytes."""
MOST_ALONE = 0.02
"""Share of events that one of two runs may hear alone."""
SHIFT_SECONDS = 0.1
"""Between two runs, of one event."""
SETTLING_SECONDS = 60.0
"""In which a front end has learnt how loud the room is."""

Heard = tuple[str, float, float, float]
"""Name, score, threshold, and end in seconds of its hour."""


@dataclass(frozen=True)
class Run:
    """What one daemon heard and needed, hour by hour."""

    events: list[list[Heard]]
    memory: list[float]
    """Highest in each hour as the kernel saw it, MB; in the first from its second minute on."""
    figures: Figures
    """Its counters at the end."""

    @property
    def growth(self) -> float:
        """From the first hour's highest to the highest afterwards, MB."""
        return max(self.memory[1:]) - self.memory[0]

    @property
    def true(self) -> bool:
        """Whether the counters tell what stands in the file."""
        count = sum(map(len, self.events))
        sink = self.figures["kws_sink_delivered_total", "1"]
        return self.figures["kws_events_total", "detection"] == sink == count


@dataclass(frozen=True)
class Words:
    """What the daemon listens for."""

    models: tuple[str, ...]
    confirm: str = "auto"
    """Their second stage, as the configuration has it."""
    exact: bool = False
    """The models have no recurrent state."""


def run(words: Words, hours: range, chunks: int) -> Run:
    """`kws daemon` on these hours, of so many chunks each."""
    with tempfile.TemporaryDirectory() as folder:
        port, events = free_port(), Path(folder, "events.jsonl")
        config = Path(folder, "kws.toml")
        config.write_text(configuration(words, port, events))
        command = [sys.executable, "-m", "kws", "daemon", "-c", str(config)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
            assert child.stdin
            until(lambda: answers(port), "daemon")
            memory, figures = [], Figures()
            for hour in hours:
                for number, chunk in enumerate(audio(hour, chunks)):
                    child.stdin.write(chunk.tobytes())
                    figures = figures_at(port)
                    if not number:
                        forget_peak(child.pid)
                memory.append(peak(child.pid))
                forget_peak(child.pid)
            figures = settled(port, len(hours) * chunks * CHUNK_SECONDS)
            child.stdin.close()
        if child.returncode:
            raise SystemExit(f"kws daemon ended with exit code {child.returncode}")
        found = [json.loads(line) for line in events.read_text().splitlines()]
        return Run(by_hour(found, len(hours), chunks * CHUNK_SECONDS), memory, figures)


def peak(process: int) -> float:
    """Most memory of a process since `forget_peak`, MB; what is in use for a moment counts too."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1_024 / 1e6


def forget_peak(process: int) -> None:
    """From now on; see proc(5), clear_refs."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


def configuration(words: Words, port: int, events: Path) -> str:
    """A file of it: two sinks, figures."""
    return (
        f'[audio]\nsource = "-"\n[http]\naddress = "127.0.0.1:{port}"\n'
        + "".join(f'[[model]]\nname = "{model}"\nconfirm = "{words.confirm}"\n' for model in words.models)
        + f'[[sink]]\nuri = "jsonl:{events}"\nmax_bytes = 1000000000\n[[sink]]\nuri = "stdout:"\n'
    )


def settled(port: int, seconds: float) -> Figures:
    """The counters once so much audio has been heard and nothing waits in a queue."""
    figures = figures_at(port)
    while figures["kws_audio_seconds_total", ""] < seconds - 0.1 or figures["kws_sink_queue", "1"]:
        time.sleep(0.1)
        figures = figures_at(port)
    time.sleep(0.5)  # for the event in hand
    return figures_at(port)


def audio(hour: int, chunks: int) -> Iterator[Samples]:
    """One hour, the same samples each time it is asked for."""
    speech = np.concatenate([read_samples(recording.audio) for recording in bundled_recordings()])
    size = CHUNK_SECONDS * SAMPLE_RATE
    for number in range(chunks):
        first = number * size + hour * len(speech) // 24
        places = np.arange(first, first + size) % len(speech)
        noise = np.random.default_rng([hour, number]).normal(0, NOISE_RMS, size)
        yield np.clip(speech[places] + noise, -32_768, 32_767).astype(np.int16)


def by_hour(events: list[dict[str, object]], hours: int, seconds: float) -> list[list[Heard]]:
    """Events by the hour in which they end, with their times in it."""
    heard: list[list[Heard]] = [[] for _ in range(hours)]
    for event in events:
        score, threshold, end = (float(str(event[key])) for key in ("score", "threshold", "end"))
        hour = min(int(end / seconds), hours - 1)
        heard[hour].append((str(event["name"]), score, threshold, round(end - hour * seconds, 3)))
    return heard


def alone(one: list[Heard], other: list[Heard]) -> list[Heard]:
    """Events of the first that have no counterpart in the second."""
    left = list(other)
    found = []
    for heard in one:
        same = [event for event in left if event[0] == heard[0] and abs(event[3] - heard[3]) <= SHIFT_SECONDS]
        if same:
            left.remove(same[0])
        else:
            found.append(heard)
    return found


def cause(event: Heard) -> str:
    """Why, most likely, one of two runs alone has it."""
    _, score, threshold, end = event
    if end <= SETTLING_SECONDS:
        return f"in the first {SETTLING_SECONDS:g} s of an hour"
    return f"score {'less' if score - threshold < 0.05 else 'more'} than 0.05 above its threshold"


def apart_from_the_first_minute(events: list[Heard]) -> list[Heard]:
    """Those of an hour that a front end had settled for."""
    return [event for event in events if event[3] > SETTLING_SECONDS]


@click.command()
@click.option("--hours", default=24, show_default=True, help="Parts of the long run.")
@click.option("--seconds-per-hour", default=3_600, show_default=True, help="Shorter, to try this program.")
@click.option(
    "--exact", is_flag=True, help="The models have no recurrent state: every event must be the same."
)
@click.option("--confirm", default="auto", show_default=True, help="The models' second stage.")
@click.argument("models", nargs=-1)
def main(hours: int, seconds_per_hour: int, exact: bool, confirm: str, models: tuple[str, ...]) -> None:
    """Print what was found, by default of the bundled models with and without their second stage, then of a
    published one; the last line of each sums it up."""
    chunks = max(1, seconds_per_hour // CHUNK_SECONDS)
    bundled = tuple(kws.bundled_names())
    every = [Words(bundled), Words(bundled, "none"), Words((str(MODEL),), "none", exact=True)]
    asked = [Words(models, confirm, exact)] if models else every
    good = [day(words, hours, chunks) for words in asked]
    sys.exit(0 if all(good) else 1)


def day(words: Words, hours: int, chunks: int) -> bool:
    """Whether all is as it should be."""
    began = time.monotonic()
    with ThreadPoolExecutor(JOBS) as beside:
        others = [beside.submit(run, words, range(hour, hour + 1), chunks) for hour in range(hours)]
        long = run(words, range(hours), chunks)
        took = time.monotonic() - began
        apart = [other.result() for other in others]
    pairs = [(events, single.events[0]) for events, single in zip(long.events, apart, strict=True)]
    for number, ((events, single), memory) in enumerate(zip(pairs, long.memory, strict=True), 1):
        print(f"hour {number}: {len(events)} events, alone {len(single)}; {memory:.2f} MB at most")
    shown = ", ".join(Path(name).stem for name in words.models)
    total = hours * chunks * CHUNK_SECONDS / 3600
    print(f"models: {shown}; second stage: {words.confirm}")
    print(f"{total:g} h of audio in {took:.0f} s; counters true: {long.true}")
    alike = compared(pairs, words.exact)
    print(f"{total:g} h: memory grew by {long.growth:.2f} MB after hour 1 ({MOST_GROWTH:g} allowed)")
    return alike and long.true and long.growth <= MOST_GROWTH


def compared(pairs: list[tuple[list[Heard], list[Heard]]], exact: bool) -> bool:
    """Whether the hours of one day are heard as hours alone are."""
    differing = [event for one, other in pairs for event in (*alone(one, other), *alone(other, one))]
    heard = sum(len(events) for events, _ in pairs)
    same = sum(one == other for one, other in pairs)
    settled = [(apart_from_the_first_minute(one), apart_from_the_first_minute(other)) for one, other in pairs]
    to_the_digit = sum(one == other for one, other in settled)
    causes = ", ".join(f"{count} {why}" for why, count in Counter(map(cause, differing)).items())
    print(
        f"hours that are the same to the last digit: {same} of {len(pairs)}, from their second minute on "
        f"{to_the_digit}; heard by one of two runs alone: {causes or 'none'}"
    )
    print(f"{len(differing)} of {heard} events differ from those of {len(pairs)} separate hours")
    enough = to_the_digit == len(pairs) if exact else len(differing) <= MOST_ALONE * heard
    return bool(heard) and pairs[0][0] == pairs[0][1] and enough


if __name__ == "__main__":
    main()
