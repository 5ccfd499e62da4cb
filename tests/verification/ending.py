"""The daemon is told to end (SIGTERM) again and again while all that it hands events to hangs.

Sinks: commands that sleep, web hooks and an MQTT broker that accept and never answer, Wyoming services that
never read, a Unix socket whose reader never reads; standard output and standard error are pipes that nobody
reads, and full. Readers of the page and Wyoming clients are there as well and read nothing, every wake word
is recorded, and words come four times as fast as spoken. Sinks that hang have spools. The signal comes at a
random moment after the daemon has begun to listen; every third time a reload (SIGHUP) is under way.

Each time the process must be gone within a second, and in the end each spool must hold every event that
stands in the one file which takes events. Exit code 1 if not.

python tests/verification/ending.py [--endings 40]      # Linux
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import click
import soundfile
from support.house import PATIENCE, RECORDING, SPEED, free_port
from wyoming.audio import AudioChunk, AudioStart
from wyoming.event import write_event
from wyoming.wake import Detect

from kws.sinks.spool import SpoolFile
from kws.types import SAMPLE_RATE

ALLOWED_SECONDS = 1.0
LONGEST_LIFE = 4.0
"""Seconds that a daemon listens before it is told to end; a word comes every two of them."""
EACH = 4
"""Sinks of a kind."""
STEP = SAMPLE_RATE // 10 * 2
"""Bytes of a tenth of a second."""


class Deaf:
    """A server that takes connections and reads nothing of them."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1_000)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        self.port: int = self._listener.getsockname()[1]
        self._taken: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            self._taken.append(self._listener.accept()[0])


class Home:
    """Configuration, what hangs, and one daemon after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._deaf = Deaf()
        self._unread, self._full = full_pipe()
        self.ports = {name: free_port() for name in ("http", "wyoming")}
        self.spools = [folder / f"{number}.spool" for number in range(len(self._hanging()))]
        self._pcm = soundfile.read(RECORDING, dtype="int16")[0].tobytes()
        self.config = folder / "kws.toml"
        self.config.write_text(self._configuration())

    def ended(self, chance: random.Random, reloading: bool) -> float:
        """A daemon that listens for a while, and how long it took to end, seconds."""
        daemon = self._started()
        threading.Thread(target=self._speak, args=(daemon,), daemon=True).start()
        with self._readers():
            time.sleep(chance.uniform(0, LONGEST_LIFE))
            if reloading:
                daemon.send_signal(signal.SIGHUP)
                time.sleep(chance.uniform(0, 0.5))
            began = time.monotonic()
            daemon.send_signal(signal.SIGTERM)
            daemon.wait()
            took = time.monotonic() - began
        if daemon.returncode:
            raise SystemExit(f"ended with exit code {daemon.returncode}")
        return took

    def heard(self) -> set[str]:
        """Lines in the file that takes events."""
        path = self.folder / "events.jsonl"
        return set(path.read_text(encoding="utf-8").splitlines()) if path.exists() else set()

    def waiting(self) -> list[set[str]]:
        """Lines in each spool."""
        found = []
        for path in self.spools:
            file = SpoolFile(str(path))
            file.close()
            found.append({notice.to_json() for notice in file.restored.values()})
        return found

    def _hanging(self) -> list[str]:
        address = f"127.0.0.1:{self._deaf.port}"
        kinds = (
            'uri = "command:sleep 600"\ntimeout_seconds = 3600\n',
            f'uri = "http://{address}/"\ntimeout_seconds = 300\n',
            f'uri = "mqtt://{address}/kws"\n',
        )
        return [kind for kind in kinds for _ in range(EACH)]

    def _configuration(self) -> str:
        deaf = f'uri = "wyoming://127.0.0.1:{self._deaf.port}"\naudio = true\ntimeout_seconds = 300\n'
        sinks = [
            *(
                f'{keys}spool = "{spool}"\nqueue = 100000\nretry_seconds = 86400\n'
                for keys, spool in zip(self._hanging(), self.spools, strict=True)
            ),
            f'uri = "jsonl:{self.folder}/events.jsonl"\n',
            f'uri = "unix:{self.folder}/events"\n',
            'uri = "stdout:"\n',
            *[deaf] * EACH,
        ]
        models = "".join(f'[[model]]\nname = "{name}"\n' for name in ("computer", "alexa", "jarvis"))
        return (
            f'[audio]\nsource = "-"\n{models}[http]\naddress = "127.0.0.1:{self.ports["http"]}"\n'
            f'[wyoming]\nuri = "tcp://127.0.0.1:{self.ports["wyoming"]}"\n'
            f'[recording]\nfolder = "{self.folder}/recordings"\neach_detection = true\nkeep = 10\n'
            + "".join(f"[[sink]]\n{sink}" for sink in sinks)
        )

    def _started(self) -> subprocess.Popen[bytes]:
        """One that listens."""
        place = self.folder / "notify"
        place.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(str(place))
            manager.settimeout(PATIENCE)
            daemon = subprocess.Popen(
                [sys.executable, "-m", "kws", "daemon", "-c", str(self.config)],
                stdin=subprocess.PIPE,
                stdout=self._full,
                stderr=self._full,
                env={**os.environ, "NOTIFY_SOCKET": str(place)},
            )
            while manager.recv(1_000) != b"READY=1":
                pass
        return daemon

    def _speak(self, daemon: subprocess.Popen[bytes]) -> None:
        assert daemon.stdin
        with contextlib.suppress(OSError):
            while True:
                for start in range(0, len(self._pcm), STEP):
                    daemon.stdin.write(self._pcm[start : start + STEP])
                    daemon.stdin.flush()
                    time.sleep(0.1 / SPEED)

    @contextlib.contextmanager
    def _readers(self) -> Iterator[None]:
        """Of the page and of the socket, and Wyoming clients; none reads what it is told."""
        with contextlib.ExitStack() as all_of_them:
            for path in ("/live", "/events") * EACH:
                reader = socket.create_connection(("127.0.0.1", self.ports["http"]))
                all_of_them.enter_context(reader)
                reader.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            for _ in range(EACH):
                client = socket.create_connection(("127.0.0.1", self.ports["wyoming"]))
                all_of_them.enter_context(client)
                with client.makefile("wb") as stream:
                    for event in (Detect(), AudioStart(SAMPLE_RATE, 2, 1)):
                        write_event(event.event(), stream)
                    write_event(AudioChunk(SAMPLE_RATE, 2, 1, self._pcm[: 20 * STEP]).event(), stream)
            local = all_of_them.enter_context(socket.socket(socket.AF_UNIX))
            local.connect(f"{self.folder}/events")
            yield


def full_pipe() -> tuple[int, int]:
    """Both ends of one that takes nothing more."""
    unread, full = os.pipe()
    os.set_blocking(full, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(full, bytes(4_096)):
            pass
    os.set_blocking(full, True)
    return unread, full


@click.command()
@click.option("--endings", default=40, show_default=True)
def main(endings: int) -> None:
    """Print how long the end took, and what was lost."""
    chance = random.Random(0)
    seconds: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        for number in range(endings):
            seconds.append(home.ended(chance, reloading=number % 3 == 0))
        heard, waiting = home.heard(), home.waiting()
    words = sum(json.loads(line)["type"] == "detection" for line in heard)
    lost = sum(len(heard - lines) for lines in waiting)
    alone = sum(len(lines - heard) for lines in waiting)
    print(f"{len(waiting) + EACH} sinks that hang, {words} words in {endings} lives")
    median, longest = statistics.median(seconds), max(seconds)
    print(f"told to end: gone after {median:.2f} s in the median, {longest:.2f} s at most")
    print(f"events in the file that a spool lacks: {lost}; in a spool and not in the file: {alone}")
    good = longest <= ALLOWED_SECONDS and not lost and words > 0
    print(f"{endings} endings, every one within {ALLOWED_SECONDS:g} s, no event lost: {good}")
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
