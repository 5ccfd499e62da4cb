"""`kws daemon` as a process: ready, alive, reloaded and stopped as a service manager does it."""

from __future__ import annotations

import contextlib
import gc
import json
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import numpy as np
import pytest
import soundfile
from daemons import ALEXA, MODELS, PATIENCE, Daemon
from pulse import wait_for
from test_sinks_wyoming import Service as WyomingService
from test_sinks_wyoming import audio_of
from wyoming.event import read_event, write_event
from wyoming.info import Describe

import kws
from kws.config import Config
from kws.config_keys import ModelSettings
from kws.events import Event
from kws.service import LAST_SECONDS, STOP_SECONDS, Service
from kws.sources import from_samples
from kws.types import SAMPLE_RATE, Samples

RECORDING = Path(kws.__file__).parent / "selftest" / "calls.flac"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path, ALEXA)
    assert daemon.told() == "READY=1"
    yield daemon
    daemon.close()


@pytest.fixture(scope="module")
def samples() -> Samples:
    audio: Samples = soundfile.read(RECORDING, dtype="int16")[0]
    return audio


def test_it_hears_and_stops_while_it_waits_for_audio(started: Daemon, samples: Samples) -> None:
    started.say(samples)
    event = started.event()
    assert (event["type"], event["name"]) == ("detection", "alexa")
    assert "at" in event
    code, log = started.stop()
    assert (code, log) == (0, "")
    assert started.told() == "STOPPING=1"


def test_a_reload_loses_no_audio(started: Daemon, samples: Samples) -> None:
    """The word is spoken in two halves, the reload lies between them."""
    engine = kws.load(MODELS / "alexa.json", threshold=0.3)
    (word,) = engine.push(kws.Block(samples))
    middle = round((word.end - 0.3) * SAMPLE_RATE)
    started.say(samples[:middle])
    started.configure(ALEXA.replace("0.3", "0.35"))
    started.process.send_signal(signal.SIGHUP)
    started.say(samples[middle : middle + 160])  # between two blocks it sees to the signal
    assert started.told() == "RELOADING=1"
    assert started.told() == "READY=1"
    started.say(samples[middle + 160 :])
    event = started.event()
    assert (event["name"], event["threshold"]) == ("alexa", 0.35), (
        "the new engine heard a word begun before it"
    )
    code, log = started.stop()
    assert (code, log) == (0, "kws: configuration read again\n")


def test_a_wrong_configuration_is_named_and_the_old_one_stays(started: Daemon, samples: Samples) -> None:
    started.configure(ALEXA + "[daemon]\nlog_level = 7\n")
    started.process.send_signal(signal.SIGHUP)
    started.say(samples[:160])
    assert started.told() == "RELOADING=1"
    assert started.told() == "READY=1"
    started.say(samples[160:])
    assert started.event()["name"] == "alexa"
    code, log = started.stop()
    assert code == 0
    assert len(log.splitlines()) == 1
    assert "daemon.log_level: found 7" in log
    assert "stays" in log


def test_the_end_of_the_audio_is_the_end(started: Daemon, samples: Samples) -> None:
    assert started.process.stdin
    started.say(samples)
    started.process.stdin.close()
    assert started.process.wait(PATIENCE) == 0
    assert started.event()["name"] == "alexa"


def test_a_program_that_hangs_holds_up_neither_other_sinks_nor_the_end(
    tmp_path: Path, samples: Samples
) -> None:
    events = tmp_path / "events.jsonl"
    sinks = f'[[sink]]\nuri = "jsonl:{events}"\n[[sink]]\nuri = "command:sleep 600"\ntimeout_seconds = 3600\n'
    daemon = Daemon(tmp_path, ALEXA + sinks)
    assert daemon.told() == "READY=1"
    daemon.say(samples)
    daemon.say(samples)
    wait_for(lambda: events.exists() and events.read_text().count("\n") == 2, "two events in the file")
    code, log = daemon.stop()
    assert code == 0
    assert "Traceback" not in log
    daemon.close()


def test_its_servers_show_what_it_hears_and_serve_others(tmp_path: Path, samples: Samples) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    wyoming = f'[wyoming]\nuri = "unix://{tmp_path}/wyoming"\n'
    daemon = Daemon(tmp_path, ALEXA + wyoming, http=f"127.0.0.1:{port}")
    assert daemon.told() == "READY=1"
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/events")
    events = connection.getresponse()
    daemon.say(samples)
    while not (line := events.readline()).startswith(b"data"):
        pass
    assert json.loads(line.removeprefix(b"data: "))["name"] == "alexa"
    page = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    page.request("GET", "/models")
    (model,) = json.loads(page.getresponse().read())
    assert (model["name"], model["threshold"]) == ("alexa", 0.3)

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client, client.makefile("rwb") as stream:
        client.connect(f"{tmp_path}/wyoming")
        write_event(Describe().event(), stream)
        info = read_event(stream)
        assert info
        assert info.data["wake"][0]["models"][0]["name"] == "alexa"
    code, log = daemon.stop()
    assert (code, log) == (0, "")
    assert not (tmp_path / "wyoming").exists()
    connection.close()
    page.close()
    daemon.close()


def test_a_wyoming_service_gets_the_audio_from_before_the_wake_word(tmp_path: Path, samples: Samples) -> None:
    service = WyomingService()
    sink = f'[[sink]]\nuri = "wyoming://127.0.0.1:{service.port}"\naudio = true\n'
    extent = "before_seconds = 2.0\npause_seconds = 0\nlongest_seconds = 1.0\n"
    daemon = Daemon(tmp_path, ALEXA + '[[sink]]\nuri = "stdout:"\n' + sink + extent)
    daemon.say(samples)
    end = float(str(daemon.event()["end"]))
    wait_for(lambda: service.types == ["detection", "audio-start", "audio-chunk", "audio-stop"], "audio")
    start, heard = audio_of(service.heard)
    assert start == pytest.approx(end - 2.0, abs=0.001)
    first, last = (round(seconds * SAMPLE_RATE) for seconds in (end - 2.0, end + 1.0))
    assert np.array_equal(heard, samples[first:last])
    assert daemon.stop() == (0, "")
    daemon.close()
    service.close()


def test_thresholds_that_are_set_at_once_are_all_in_force() -> None:
    engine = kws.load("alexa", "alexa")
    together = threading.Barrier(2)

    def build(config: Config) -> kws.Engine:
        if any(model.threshold for model in config.model):
            with contextlib.suppress(threading.BrokenBarrierError):
                together.wait(0.5)  # where both may build, both do
        return engine

    config = Config(model=(ModelSettings("alexa"), ModelSettings("alexa")), sink=())
    service = Service(config, build, Config, source=from_samples(np.zeros(0, np.int16)))
    threads = [
        threading.Thread(target=service.set_threshold, args=[model, threshold])
        for model, threshold in ((0, 0.25), (1, 0.75))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [model.threshold for model in service.config.model] == [0.25, 0.75]


class Circular:
    """An engine that refers to itself."""

    def __init__(self) -> None:
        self.itself = self

    def push(self, block: kws.Block) -> list[Event]:
        return []

    def flush(self) -> list[Event]:
        return []

    def reset(self) -> None:
        pass


def test_engines_that_were_replaced_do_not_pile_up() -> None:
    made: list[weakref.ref[Circular]] = []

    def build(config: Config) -> Circular:
        engine = Circular()
        made.append(weakref.ref(engine))
        return engine

    service = Service(Config(sink=()), build, Config, source=from_samples(np.zeros(0, np.int16)))
    gc.disable()
    try:
        for _ in range(5):
            service.set_threshold(0, 0.5)
            service.engine.push(kws.Block(np.zeros(160, np.int16)))
        assert [engine() is None for engine in made] == [True] * 4 + [False] * 2
    finally:
        gc.enable()


def test_a_stop_before_it_listens_is_heeded(samples: Samples) -> None:
    engine = kws.load(MODELS / "alexa.json", threshold=0.3)
    source = from_samples(samples)
    service = Service(Config(sink=()), lambda config: engine, Config, source=source)
    service.stop()
    service.run()
    assert service.tally.audio_seconds == 0


@pytest.mark.parametrize(
    ("busy", "left"), [(0.0, STOP_SECONDS), (0.1, STOP_SECONDS - 0.1), (5.0, LAST_SECONDS)]
)
def test_sinks_have_their_time_from_the_signal_on(
    monkeypatch: pytest.MonkeyPatch, samples: Samples, busy: float, left: float
) -> None:
    now, given = [100.0], []
    monkeypatch.setattr("kws.service.time.monotonic", lambda: now[0])
    engine = kws.load("alexa")
    service = Service(Config(sink=()), lambda config: engine, Config, source=from_samples(samples))
    monkeypatch.setattr(service.outlets, "close", given.append)

    def told_while_it_works(block: kws.Block) -> None:
        service.stop()
        now[0] += busy

    service.run(taps=[told_while_it_works])
    assert given == [pytest.approx(left)]


def test_the_end_waits_for_nothing_that_the_interpreter_does() -> None:
    program = (
        "import atexit; from kws.commands.leaving import leave; "
        "atexit.register(print, 'taken apart'); print('said'); leave([])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "said\n"


def test_after_a_reload_new_clients_are_told_of_the_new_words(tmp_path: Path) -> None:
    wyoming = f'[wyoming]\nuri = "unix://{tmp_path}/wyoming"\n'
    daemon = Daemon(tmp_path, ALEXA + wyoming)
    assert daemon.told() == "READY=1"
    daemon.configure(ALEXA.replace("alexa", "hey_jarvis") + wyoming)
    daemon.process.send_signal(signal.SIGHUP)
    daemon.say(np.zeros(160, np.int16))  # between two blocks it sees to the signal
    assert (daemon.told(), daemon.told()) == ("RELOADING=1", "READY=1")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(f"{tmp_path}/wyoming")
        with client.makefile("rwb") as stream:
            write_event(Describe().event(), stream)
            answer = read_event(stream)
    assert answer is not None
    assert [model["name"] for model in answer.data["wake"][0]["models"]] == ["hey_jarvis"]
    assert daemon.stop()[0] == 0
    daemon.close()


def test_what_cannot_be_opened_is_one_line(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, ALEXA + '[[sink]]\nuri = "jsonl:/no/such/place"\n')
    assert daemon.process.wait(PATIENCE) == 2
    assert daemon.process.stderr
    (line,) = daemon.process.stderr.read().decode().splitlines()
    assert line.startswith("kws: /no/such/place: ")
    daemon.close()
