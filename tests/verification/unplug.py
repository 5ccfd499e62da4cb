"""The daemon's microphone is unplugged and plugged in again, fifty times, while words are said.

The microphone is a pipe source of a private PulseAudio, which PortAudio reaches through ALSA as on a desktop;
it plays one word over and over, in real time. Each time a detection must come within 5 s of the plugging in;
at the end the daemon's counters must agree with its events and with what was done. Exit code 1 if not.

python tests/verification/unplug.py [--rounds 50]
Debian packages: pulseaudio, pulseaudio-utils, libasound2-plugins
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import numpy as np
from support.house import MODEL, RECORDING, answers, figures_at, free_port, until

sys.path.insert(0, str(Path(__file__).parents[1]))

from pulse import PulseMicrophone

import kws
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Block, Samples

ALLOWED_SECONDS = 5.0
LONGEST_AWAY = 12.0
"""Seconds."""
PAUSE_SECONDS = 0.5
"""Between words."""


class Room:
    """The microphone, someone who speaks, and the daemon."""

    def __init__(self, folder: Path, microphone: PulseMicrophone) -> None:
        self._events = folder / "events.jsonl"
        self._microphone = microphone
        self._port = free_port()
        self._word = a_word()
        config = folder / "kws.toml"
        config.write_text(
            f'[audio]\nsource = "mic:PULSE"\n[[model]]\nname = "{MODEL}"\nthreshold = 0.3\n'
            f'[http]\naddress = "127.0.0.1:{self._port}"\n[[sink]]\nuri = "jsonl:{self._events}"\n'
        )
        command = [sys.executable, "-m", "kws", "daemon", "-c", str(config)]
        self._daemon = subprocess.Popen(command, env=microphone.environment, stderr=subprocess.DEVNULL)
        until(lambda: answers(self._port), "daemon")
        self._speaking = True
        threading.Thread(target=self._speak, daemon=True).start()

    def unplug(self, seconds: float) -> tuple[float, float]:
        """For so long; how long it really was, and how much later a word was heard."""
        gone = time.monotonic()
        self._microphone.unplug()
        time.sleep(seconds)
        self._microphone.plug()
        back = time.monotonic()
        self.hear()
        return back - gone, time.monotonic() - back

    def hear(self) -> None:
        """Wait for the next word."""
        before = self.events()["detection"]
        until(lambda: self.events()["detection"] > before, "detection")

    def events(self) -> Counter[str]:
        """How many of each type stand in the file."""
        if not self._events.exists():
            return Counter()
        whole = self._events.read_text().rpartition("\n")[0]
        return Counter(json.loads(line)["type"] for line in whole.splitlines())

    def hush(self) -> None:
        """Say no more, and let what was said be heard."""
        self._speaking = False
        time.sleep(len(self._word) / SAMPLE_RATE + 2)

    def counted(self) -> Counter[str]:
        """How many of each type the daemon has counted."""
        counted = {kind: round(value) for (name, kind), value in self.figures().items() if name == EVENTS}
        return Counter(counted)

    def figures(self) -> dict[tuple[str, str], float]:
        """What the daemon says now."""
        return figures_at(self._port)

    def close(self) -> int:
        """Stop the daemon as a service manager does: its exit code."""
        self._daemon.send_signal(signal.SIGTERM)
        return self._daemon.wait(30)

    def _speak(self) -> None:
        while self._speaking:
            self._microphone.say(self._word)
            time.sleep(len(self._word) / SAMPLE_RATE)


EVENTS = "kws_events_total"


def a_word() -> Samples:
    """The first of the recording that is heard, and a pause."""
    samples = read_samples(RECORDING)
    detection = kws.load(MODEL, threshold=0.3).push(Block(samples))[0]
    start, end = (round((at) * SAMPLE_RATE) for at in (detection.start - 0.5, detection.end + 0.3))
    return np.concatenate(
        [samples[max(0, start) : end], np.zeros(round(PAUSE_SECONDS * SAMPLE_RATE), np.int16)]
    )


@contextlib.contextmanager
def room() -> Iterator[Room]:
    """For as long as the block."""
    with tempfile.TemporaryDirectory(prefix="kws-") as folder, PulseMicrophone(Path(folder)) as microphone:
        here = Room(Path(folder), microphone)
        try:
            yield here
        finally:
            here.close()


@click.command()
@click.option("--rounds", default=50, show_default=True)
def main(rounds: int) -> None:
    """Print how long it took to hear again."""
    chance = random.Random(0)
    with room() as here:
        here.hear()
        spells = []
        for _ in range(rounds):
            spells.append(here.unplug(chance.uniform(0.1, LONGEST_AWAY)))
            time.sleep(chance.uniform(0, 2))
        here.hush()
        events, counted, figures = here.events(), here.counted(), here.figures()
    away, deaf = (sum(column) for column in zip(*spells, strict=True))
    lost = figures["kws_lost_seconds_total", ""]
    longest = max(after for _, after in spells)
    true = {
        "events as in the file": events == counted,
        "lost and restored each time": events["source-lost"] == events["source-restored"] == rounds,
        "lost audio from away to heard again": away <= lost <= away + deaf,
    }
    print(
        f"unplugged {rounds} times for up to {LONGEST_AWAY:g} s; a word heard again "
        f"after {longest:.1f} s at most, {deaf / rounds:.1f} s on average"
    )
    print(f"events: {', '.join(f'{count} {kind}' for kind, count in sorted(events.items()))}")
    print(f"away {away:.1f} s, deaf for {deaf:.1f} s more; {lost:.1f} s of audio counted as lost")
    print(f"counters: {', '.join(f'{what} {held}' for what, held in true.items())}")
    good = longest <= ALLOWED_SECONDS and all(true.values())
    print(f"{rounds} times unplugged, every one over within {ALLOWED_SECONDS:g} s, counters true: {good}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
