"""The daemon among things that die: it and its peers are killed (-9) again and again while audio flows.

Words come every two seconds, four times as fast as spoken. Victims are the daemon itself (started again, as
systemd does it), the MQTT broker, and a reader of the Unix socket; chance picks with a fixed seed. After each
death an event must arrive where it was missing within 5 s, counted from when the victim is ready again, and
the daemon's counters must add up. Exit code 1 if not.

python tests/verification/faults.py [--rounds 100]      # needs the Debian package mosquitto
"""

from __future__ import annotations

import contextlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import click
import pymicro_wakeword
import soundfile
from prometheus_client.parser import text_string_to_metric_families

import kws
from kws.types import SAMPLE_RATE

MODEL = Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json"
RECORDING = Path(kws.__file__).parent / "selftest" / "calls.flac"
SPEED = 4
ALLOWED_SECONDS = 5.0
PATIENCE = 120.0


class House:
    """A daemon that hears, a broker, a subscriber to it, a reader of the socket."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._broker_port, self._http_port = free_port(), free_port()
        self._config = folder / "kws.toml"
        self._config.write_text(
            f'[audio]\nsource = "-"\n[[model]]\nname = "{MODEL}"\nthreshold = 0.3\n'
            f'[http]\naddress = "127.0.0.1:{self._http_port}"\n'
            f'[[sink]]\nuri = "mqtt://127.0.0.1:{self._broker_port}/kws"\n'
            f'[[sink]]\nuri = "unix:{folder}/events"\n[[sink]]\nuri = "jsonl:{folder}/events.jsonl"\n'
        )
        (folder / "mosquitto.conf").write_text(
            f"listener {self._broker_port} 127.0.0.1\nallow_anonymous true\n"
        )
        self._pcm = soundfile.read(RECORDING, dtype="int16")[0].tobytes()
        self.start = {"broker": self.start_broker, "daemon": self.start_daemon, "reader": self.start_reader}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        for victim in self.start:
            self.start[victim]()
        threading.Thread(target=self._speak, daemon=True).start()

    def start_broker(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._run("broker", [program, "-c", str(self._folder / "mosquitto.conf")])
        until(lambda: answers(self._broker_port), "broker")

    def start_daemon(self) -> None:
        self._run("daemon", [sys.executable, "-m", "kws", "daemon", "-c", str(self._config)])
        until(lambda: answers(self._http_port), "daemon")

    def start_reader(self) -> None:
        self._run("reader", [sys.executable, "-c", READER, f"{self._folder}/events", f"{self._folder}/read"])

    def kill(self, victim: str) -> None:
        self.running[victim].kill()
        self.running[victim].wait()

    def arrived(self, victim: str) -> int:
        """What has come to the place that shows whether the victim works."""
        if victim == "broker":
            return int(self.figures()["kws_sink_delivered_total", "1"])
        path = self._folder / ("events.jsonl" if victim == "daemon" else "read")
        return path.stat().st_size if path.exists() else 0

    def figures(self) -> dict[tuple[str, str], float]:
        """Name and the sink's number ("" for others) -> value."""
        with urlopen(f"http://127.0.0.1:{self._http_port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
        return {
            (sample.name, sample.labels.get("sink", "").split(" ")[0]): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def unaccounted(self) -> float:
        """Events that no counter of some sink holds, at most; one may be in hand."""
        figures = self.figures()
        total = figures.get(("kws_events_total", ""), 0.0)
        ends = ("delivered_total", "dropped_total", "refused_total", "queue")
        return max(abs(total - sum(figures[f"kws_sink_{end}", sink] for end in ends)) for sink in "123")

    def close(self) -> None:
        for process in self.running.values():
            process.kill()
            process.wait()

    def _run(self, name: str, command: list[str]) -> None:
        errors = (self._folder / f"{name}.log").open("ab")
        quiet = subprocess.DEVNULL
        self.running[name] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=quiet, stderr=errors)
        errors.close()

    def _speak(self) -> None:
        step = SAMPLE_RATE // 10 * 2  # a tenth of a second
        while True:
            for start in range(0, len(self._pcm), step):
                with contextlib.suppress(OSError, ValueError):
                    stream = self.running["daemon"].stdin
                    assert stream
                    stream.write(self._pcm[start : start + step])
                    stream.flush()
                time.sleep(0.1 / SPEED)


READER = """
import socket, sys, time
while True:
    try:
        with socket.socket(socket.AF_UNIX) as connection, open(sys.argv[2], "ab", 0) as copy:
            connection.connect(sys.argv[1])
            while piece := connection.recv(65536):
                copy.write(piece)
    except OSError:
        pass
    time.sleep(0.05)
"""


@click.command()
@click.option("--rounds", default=100, show_default=True)
def main(rounds: int) -> None:
    """Print how long each kind of death was felt."""
    chance = random.Random(0)
    felt: dict[str, list[float]] = {"broker": [], "daemon": [], "reader": []}
    unaccounted = 0.0
    with tempfile.TemporaryDirectory() as folder, house(Path(folder)) as home:
        for _ in range(rounds):
            victim = chance.choice(sorted(felt))
            time.sleep(chance.uniform(0, 2))
            home.kill(victim)
            time.sleep(chance.uniform(0, 1))
            home.start[victim]()
            before, began = home.arrived(victim), time.monotonic()
            until(lambda before=before, victim=victim: home.arrived(victim) > before, victim)  # type: ignore[misc]
            felt[victim].append(time.monotonic() - began)
            unaccounted = max(unaccounted, home.unaccounted())
    for victim, seconds in felt.items():
        longest = max(seconds, default=0.0)
        print(f"{victim}: killed {len(seconds)} times; an event again after {longest:.1f} s at most")
    good = all(max(seconds, default=0.0) <= ALLOWED_SECONDS for seconds in felt.values()) and unaccounted <= 1
    print(f"{rounds} deaths, every one over within {ALLOWED_SECONDS:g} s, every event accounted for: {good}")
    sys.exit(0 if good else 1)


@contextlib.contextmanager
def house(folder: Path) -> Iterator[House]:
    """For as long as the block."""
    home = House(folder)
    try:
        yield home
    finally:
        home.close()


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for it; SystemExit if it does not come."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"{what}: nothing within {PATIENCE:g} s")
        time.sleep(0.02)


def answers(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


if __name__ == "__main__":
    main()
