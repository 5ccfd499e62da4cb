"""Two daemons in one home, as processes on loopback multicast: who hears a word better answers it."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
import soundfile
from daemons import ALEXA, PATIENCE, Daemon
from prometheus_client.parser import text_string_to_metric_families
from pulse import wait_for
from test_arbitration import GROUP, free_port

import kws
from kws.arbitration import ANSWERED_SECONDS
from kws.types import Samples

RECORDING = Path(kws.__file__).parent / "selftest" / "calls.flac"
WINDOW = 2.0
"""The longest allowed: on a busy machine one daemon may hear the word a second after the other."""
STEP = 4_000


class Room(Daemon):
    """A daemon of the home."""

    def __init__(self, folder: Path, group: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        arbitration = (
            f'[arbitration]\ngroup = "{group}"\nwindow_seconds = {WINDOW}\ninterface = "127.0.0.1"\n'
        )
        folder.mkdir()
        super().__init__(folder, ALEXA + arbitration, http=f"127.0.0.1:{self._port}")
        assert self.told() == "READY=1"

    @property
    def yielded(self) -> float:
        """Words that it left to the other."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        samples = (s for family in text_string_to_metric_families(text) for s in family.samples)
        return next(s.value for s in samples if s.name == "kws_yielded_detections_total")


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[tuple[Room, Room]]:
    group = f"{GROUP}:{free_port()}"
    kitchen, hall = Room(tmp_path / "kitchen", group), Room(tmp_path / "hall", group)
    yield kitchen, hall
    kitchen.close()
    hall.close()


def near() -> Samples:
    """A wake word spoken beside the microphone."""
    samples: Samples = soundfile.read(RECORDING, dtype="int16")[0]
    return samples


def far() -> Samples:
    """The same from another room: quieter, above the hiss there is."""
    hiss = np.random.default_rng(0).normal(0, 30, len(near()))
    return (0.2 * near() + hiss).astype(np.int16)


def speak(**heard: tuple[Room, Samples]) -> None:
    """All rooms hear at the same time."""
    for start in range(0, len(near()), STEP):
        for room, samples in heard.values():
            room.say(samples[start : start + STEP])


def test_one_answers_each_word_and_who_is_left_answers_alone(rooms: tuple[Room, Room]) -> None:
    kitchen, hall = rooms
    speak(kitchen=(kitchen, near()), hall=(hall, far()))
    in_kitchen = kitchen.event()
    wait_for(lambda: hall.yielded == 1, "silence of the hall")

    time.sleep(WINDOW + ANSWERED_SECONDS)  # then the word is a new one
    speak(kitchen=(kitchen, far()), hall=(hall, near()))
    in_hall = hall.event()
    wait_for(lambda: kitchen.yielded == 1, "silence of the kitchen")
    assert in_kitchen["snr"] == pytest.approx(in_hall["snr"], abs=1)

    time.sleep(WINDOW + ANSWERED_SECONDS)
    hall.process.kill()
    speak(kitchen=(kitchen, far()))
    alone = kitchen.event()
    assert float(str(alone["snr"])) < float(str(in_hall["snr"])) - 10
    assert kitchen.stop() == (0, "")
    assert kitchen.quiet, "and nothing was said twice"
