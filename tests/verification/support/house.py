"""A daemon that hears words again and again, and all that its events go to, each in a process of its own."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pymicro_wakeword
import soundfile
from prometheus_client.parser import text_string_to_metric_families

import kws
from kws.types import SAMPLE_RATE

MODEL = Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json"
RECORDING = Path(kws.__file__).parent / "selftest" / "calls.flac"
PEERS = Path(__file__).parent / "peers"
SPEED = 4
"""Times as fast as spoken."""
PATIENCE = 120.0
SINKS = {"broker": "1", "reader": "2", "file": "3", "hook": "4"}
"""Who gets events through which sink."""

Figures = dict[tuple[str, str], float]
"""Name, and a sink's number or another label ("" without one) -> value."""


class House:
    """The daemon, an MQTT broker, a reader of the Unix socket, a web hook, a Wyoming client with own words.

    Args:
        folder: for sockets, logs and what the peers have been told; an empty one with a short path.
        events: the file that the daemon writes events to.
        rotation: keys of that sink.
        more: what else its configuration says.
        spools: folder for the sinks' spools; None: events wait in memory alone.
    """

    def __init__(
        self, folder: Path, events: Path | None, rotation: str, more: str, spools: Path | None
    ) -> None:
        self._folder = folder
        self._events = events or folder / "events.jsonl"
        self._ports = {name: free_port() for name in ("broker", "http", "wyoming", "hook")}
        self._config = folder / "kws.toml"
        self._config.write_text(self._configuration(rotation, spools) + more)
        (folder / "mosquitto.conf").write_text(
            f"listener {self._ports['broker']} 127.0.0.1\nallow_anonymous true\nuser root\n"
        )
        self._pcm = soundfile.read(RECORDING, dtype="int16")[0].tobytes()
        self.start: dict[str, Callable[[], None]] = {
            "broker": self._start_broker,
            "hook": self._start_hook,
            "daemon": self._start_daemon,
            "reader": self._start_reader,
            "client": self._start_client,
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        for name in self.start:
            self.start[name]()
        self._silent = threading.Event()
        threading.Thread(target=self._speak, daemon=True).start()

    def kill(self, name: str) -> None:
        """At once, without a word."""
        self.running[name].kill()
        self.running[name].wait()

    def arrived(self, name: str) -> float:
        """How much has come to the place that shows whether this one works."""
        if name == "broker":
            return self.figures()["kws_sink_delivered_total", SINKS["broker"]]
        paths = self.files() if name == "daemon" else [self.told(name)]
        return sum(path.stat().st_size for path in paths if path.exists())

    def files(self) -> list[Path]:
        """That the daemon has written events to."""
        return sorted(self._events.parent.glob(f"{self._events.name}*"))

    def told(self, name: str) -> Path:
        """Where a reader, a hook or a client keeps what it gets."""
        return self._folder / f"{name}.told"

    def seconds_to_event(self, name: str) -> float:
        """Wait until more arrives there."""
        before, began = self.arrived(name), time.monotonic()
        until(lambda: self.arrived(name) > before, f"event at {name}")
        return time.monotonic() - began

    def figures(self) -> Figures:
        """What the daemon says now."""
        return figures_at(self._ports["http"])

    def unaccounted(self) -> float:
        """Events that no counter of some sink holds, at most; one may be in hand."""
        figures = self.figures()
        total = sum(value for (name, _), value in figures.items() if name == "kws_events_total")
        ends = ("delivered_total", "dropped_total", "refused_total", "queue")
        missing = (
            total
            + figures["kws_sink_restored_total", sink]
            - sum(figures[f"kws_sink_{end}", sink] for end in ends)
            for sink in SINKS.values()
        )
        return max(map(abs, missing))

    def restored(self) -> float:
        """Events that the daemon found in its spools."""
        return sum(value for (name, _), value in self.figures().items() if name == "kws_sink_restored_total")

    def hush(self) -> None:
        """Say nothing more to the daemon, and wait until nothing waits in it."""
        self._silent.set()
        waits = ("kws_sink_queue", "kws_sink_spooled")
        until(lambda: not any(v for (name, _), v in self.figures().items() if name in waits), "empty queues")

    def close(self) -> None:
        """End all of it."""
        for process in self.running.values():
            process.kill()
            process.wait()

    def _configuration(self, rotation: str, spools: Path | None) -> str:
        uris = (
            f'"mqtt://127.0.0.1:{self._ports["broker"]}/kws"',
            f'"unix:{self._folder}/events"',
            f'"jsonl:{self._events}"\n{rotation}',
            f'"http://127.0.0.1:{self._ports["hook"]}/"',
        )
        return (
            f'[audio]\nsource = "-"\n[[model]]\nname = "{MODEL}"\nthreshold = 0.3\n'
            f'[http]\naddress = "127.0.0.1:{self._ports["http"]}"\n'
            f'[wyoming]\nuri = "tcp://127.0.0.1:{self._ports["wyoming"]}"\n'
            + "".join(
                f"[[sink]]\nuri = {uri}\n" + (f'spool = "{spools}/{number}.spool"\n' if spools else "")
                for number, uri in enumerate(uris)
            )
        )

    def _start_broker(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._run("broker", [program, "-c", str(self._folder / "mosquitto.conf")])
        until(lambda: answers(self._ports["broker"]), "broker")

    def _start_daemon(self) -> None:
        self._run("daemon", [sys.executable, "-m", "kws", "daemon", "-c", str(self._config)])
        until(lambda: answers(self._ports["http"]), "daemon")

    def _start_reader(self) -> None:
        self._run_peer("reader", f"{self._folder}/events")

    def _start_hook(self) -> None:
        self._run_peer("hook", str(self._ports["hook"]))
        until(lambda: answers(self._ports["hook"]), "hook")

    def _start_client(self) -> None:
        ready = self.told("client").with_suffix(".ready")
        ready.unlink(missing_ok=True)
        self._run_peer("client", str(self._ports["wyoming"]), str(RECORDING), str(SPEED))
        until(ready.exists, "client")

    def _run_peer(self, name: str, *arguments: str) -> None:
        program = str(PEERS / f"{name}.py")
        self._run(name, [sys.executable, program, f"{self._folder}/{name}.told", *arguments])

    def _run(self, name: str, command: list[str]) -> None:
        with (self._folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log
            )

    def _speak(self) -> None:
        step = SAMPLE_RATE // 10 * 2  # a tenth of a second
        while not self._silent.is_set():
            for start in range(0, len(self._pcm), step):
                with contextlib.suppress(OSError, ValueError):
                    stream = self.running["daemon"].stdin
                    assert stream
                    stream.write(self._pcm[start : start + step])
                    stream.flush()
                time.sleep(0.1 / SPEED)


@contextlib.contextmanager
def house(
    folder: Path,
    events: Path | None = None,
    rotation: str = "",
    more: str = "",
    spools: Path | None = None,
) -> Iterator[House]:
    """For as long as the block."""
    home = House(folder, events, rotation, more, spools)
    try:
        yield home
    finally:
        home.close()


def figures_at(port: int) -> Figures:
    """What /metrics says."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        text = answer.read().decode()
    return {
        (sample.name, next(iter(sample.labels.values()), "").split(" ")[0]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for it; SystemExit if it does not come."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise SystemExit(f"no {what} within {PATIENCE:g} s")
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
