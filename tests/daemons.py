"""`kws daemon` as a process that hears what a test gives it, and tells what a service manager is told."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from queue import Queue

import pymicro_wakeword

from kws.types import Samples

MODELS = Path(pymicro_wakeword.__file__).parent / "models"
PATIENCE = 60
ALEXA = f'[[model]]\nname = "{MODELS / "alexa.json"}"\nthreshold = 0.3\n'


class Daemon:
    """`kws daemon` that hears what it is given on standard input."""

    def __init__(self, folder: Path, text: str, http: str = "") -> None:
        self._config = folder / "kws.toml"
        self._http = http
        self.configure(text)
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind(str(folder / "notify"))
        self._manager.settimeout(PATIENCE)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kws", "daemon", "--config", str(self._config)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify")},
        )
        self._lines: Queue[bytes] = Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def configure(self, text: str) -> None:
        """What the file says from now on."""
        self._config.write_text(f'[audio]\nsource = "-"\n[http]\naddress = "{self._http}"\n{text}')

    def told(self) -> str:
        """The next message to the service manager, signs of life passed over."""
        return self._manager.recv(1000).decode().partition("\n")[0]

    def say(self, samples: Samples) -> None:
        assert self.process.stdin
        self.process.stdin.write(samples.astype("<i2").tobytes())
        self.process.stdin.flush()

    def event(self) -> dict[str, object]:
        """The next one on standard output."""
        event: dict[str, object] = json.loads(self._lines.get(timeout=PATIENCE))
        return event

    @property
    def quiet(self) -> bool:
        """Whether every event it has handed on was asked for."""
        return self._lines.empty()

    def stop(self) -> tuple[int, str]:
        """End it as a service manager would: exit code and log."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        assert self.process.stderr
        return code, self.process.stderr.read().decode()

    def close(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
        self._manager.close()
        self._reader.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream
            with contextlib.suppress(BrokenPipeError):
                stream.close()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._lines.put(line)
