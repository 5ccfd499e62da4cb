"""`kws listen` on a live microphone, through PortAudio: it hears, loses its device, hears again."""

from __future__ import annotations

import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from pulse import PATIENCE, PulseMicrophone

from kws.events import Detection, Event, Gap, SourceLost, SourceRestored, from_json
from kws.types import SAMPLE_RATE, Samples

pytestmark = pytest.mark.debian(
    "pulseaudio", "pulseaudio-utils", "libasound2-plugins", "libportaudio2", "espeak-ng"
)

Kind = TypeVar("Kind", bound=Event)
TRIES = 3
"""Times a word is said: an overloaded machine may lose pieces of it on the way."""


class Listener:
    """A running `kws listen` and the events it has printed."""

    def __init__(self, model: Path, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kws", "listen", "--model", str(model), "--device", "PULSE"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._events: queue.Queue[Event] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def next(self, kind: type[Kind], seconds: float = PATIENCE) -> Kind | None:
        """The next event of that kind, those before it passed over; None if it does not come in time."""
        while True:
            try:
                event = self._events.get(timeout=seconds)
            except queue.Empty:
                return None
            if isinstance(event, kind):
                return event

    def hear(self, microphone: PulseMicrophone, word: Samples) -> Detection | None:
        """Say the word until it is detected."""
        for _ in range(TRIES):
            microphone.say(word)
            if found := self.next(Detection, PATIENCE / TRIES):
                return found
        return None

    def stop(self) -> str:
        """End it as a service manager would; what it wrote to standard error."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0
        assert self.process.stderr
        return self.process.stderr.read()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self._events.put(from_json(line))


@pytest.fixture
def microphone() -> Iterator[PulseMicrophone]:
    with tempfile.TemporaryDirectory(prefix="kws-") as directory, PulseMicrophone(Path(directory)) as pulse:
        yield pulse


@pytest.fixture
def listener(microphone: PulseMicrophone, alexa: Path) -> Iterator[Listener]:
    running = Listener(alexa, microphone.environment)
    yield running
    running.process.kill()
    running.process.communicate()


@pytest.fixture
def alexa() -> Path:
    """The community model that comes with the package pymicro-wakeword."""
    spec = find_spec("pymicro_wakeword")
    assert spec, "pip install '.[dev]'"
    assert spec.origin
    return Path(spec.origin).parent / "models" / "alexa.json"


@pytest.fixture
def word(say: Callable[..., Samples]) -> Samples:
    half_second = np.zeros(SAMPLE_RATE // 2, np.int16)
    return np.concatenate([half_second, say("alexa"), half_second])


def test_hears_loses_its_device_and_hears_again(
    microphone: PulseMicrophone, listener: Listener, word: Samples
) -> None:
    microphone.wait_for_listener()
    heard = listener.hear(microphone, word)
    assert heard
    assert (heard.name, heard.source) == ("alexa", "pulse")

    microphone.unplug()
    lost = listener.next(SourceLost)
    assert lost
    assert lost.time >= heard.end

    microphone.plug()
    gap = listener.next(Gap)
    assert gap
    assert gap.reason == "device lost"
    assert gap.start == pytest.approx(lost.time)
    restored = listener.next(SourceRestored)
    assert restored
    assert restored.time == pytest.approx(gap.end)

    again = listener.hear(microphone, word)
    assert again
    assert again.start >= gap.end

    assert "Traceback" not in listener.stop()


def test_a_device_that_stays_but_brings_nothing_is_opened_again(
    microphone: PulseMicrophone, listener: Listener, word: Samples
) -> None:
    microphone.wait_for_listener()
    assert listener.hear(microphone, word)

    microphone.freeze()
    lost = listener.next(SourceLost)
    assert lost
    assert lost.reason.startswith("no audio for")

    microphone.thaw()
    assert listener.next(SourceRestored)
    assert listener.hear(microphone, word)
    assert "Traceback" not in listener.stop()
