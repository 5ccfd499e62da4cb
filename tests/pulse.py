"""A microphone without hardware: a private PulseAudio daemon whose only source is a pipe that we fill.

PortAudio reaches it as a program on a desktop does, through ALSA and its PulseAudio plugin.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np

from kws.types import SAMPLE_RATE, Samples

PIECE = SAMPLE_RATE // 50
"""Samples written at a time, 20 ms."""
DAEMON = [
    "pulseaudio",
    "-n",
    "--daemonize=no",
    "--use-pid-file=no",
    "--exit-idle-time=-1",
    "--disable-shm=yes",
]
PATIENCE = 60.0
"""Seconds to wait for what must happen, on a busy machine."""
# PortAudio stops the process if a private configuration lacks a device called "default".
ALSA_CONFIGURATION = "".join(
    f"{kind}.{name} {{ type pulse }}\n" for kind in ("pcm", "ctl") for name in ("pulse", "default")
)


class PulseMicrophone:
    """The daemon, its pipe source "mic", and a thread that plays into it in real time.

    Args:
        directory: an empty one, with a path short enough for a socket's (about 80 characters).
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pipe = directory / "mic.pipe"
        self._module = ""
        self._waiting: deque[bytes] = deque()
        self._closing = threading.Event()
        self._frozen = threading.Event()
        self.environment = self._write_configuration()
        """What a client's process needs in its environment."""

    def __enter__(self) -> PulseMicrophone:
        socket = self._directory / "native"
        self._log = (self._directory / "log").open("wb")
        self._daemon = subprocess.Popen(
            [*DAEMON, "-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1"],
            env=self.environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        wait_for(socket.exists, "the daemon's socket")
        self.plug()
        self._player = threading.Thread(target=self._play, daemon=True)
        self._player.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._closing.set()
        self._player.join()
        self._daemon.terminate()
        self._daemon.wait(PATIENCE)
        self._log.close()

    def plug(self) -> None:
        """Let the microphone appear."""
        self._module = self._control(
            "load-module", "module-pipe-source", f"file={self._pipe}", "source_name=mic",
            "format=s16le", f"rate={SAMPLE_RATE}", "channels=1",
        )  # fmt: skip

    def unplug(self) -> None:
        """Let it vanish; streams from it are ended, for there is no other source to move them to."""
        self._control("unload-module", self._module)

    def freeze(self) -> None:
        """Let it bring nothing more, not even silence, though it is still there."""
        self._frozen.set()

    def thaw(self) -> None:
        """Go on after `freeze`."""
        self._frozen.clear()

    def say(self, samples: Samples) -> None:
        """Play these as soon as those before are through; silence comes after them."""
        padding = -len(samples) % PIECE
        whole = np.append(samples, np.zeros(padding, np.int16)).astype("<i2")
        self._waiting.extend(piece.tobytes() for piece in whole.reshape(-1, PIECE))

    def wait_for_listener(self) -> None:
        """Return once a program records from the microphone."""
        wait_for(lambda: self._control("list", "short", "source-outputs") != "", "a program that listens")

    def _write_configuration(self) -> dict[str, str]:
        alsa = self._directory / "asound.conf"
        alsa.write_text(ALSA_CONFIGURATION)
        home = str(self._directory)
        return {
            **{name: value for name, value in os.environ.items() if name != "DISPLAY"},
            "HOME": home,
            "XDG_RUNTIME_DIR": home,
            "PULSE_RUNTIME_PATH": home,
            "PULSE_STATE_PATH": home,
            "PULSE_COOKIE": f"{home}/cookie",
            "PULSE_SERVER": f"unix:{home}/native",
            "ALSA_CONFIG_PATH": str(alsa),
        }

    def _control(self, *arguments: str) -> str:
        command = ["pactl", *arguments]
        output = subprocess.check_output(command, env=self.environment, text=True, timeout=PATIENCE)
        return output.strip()

    def _play(self) -> None:
        """Write 20 ms every 20 ms, opening the pipe anew whenever the source has come back."""
        pipe = None
        due = time.monotonic()
        while not self._closing.is_set():
            due = max(due + PIECE / SAMPLE_RATE, time.monotonic() - 1)
            time.sleep(max(0.0, due - time.monotonic()))
            if self._frozen.is_set():
                continue
            try:
                pipe = pipe or os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
                os.write(pipe, self._waiting[0] if self._waiting else bytes(2 * PIECE))
                if self._waiting:
                    self._waiting.popleft()
            except BlockingIOError:
                pass  # the daemon is late
            except OSError:  # no source reads it
                if pipe:
                    os.close(pipe)
                pipe = None
        if pipe:
            os.close(pipe)


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Poll until the condition holds; AssertionError with `what` is missing after PATIENCE."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"no {what} within {PATIENCE:g} s"
        time.sleep(0.05)
