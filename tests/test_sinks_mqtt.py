"""MQTT against mosquitto: what it gets, passwords, and a broker that goes and comes back."""

from __future__ import annotations

import dataclasses
import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from pulse import PATIENCE, wait_for

from kws.events import Detection, Event, Gap, Guess, Slots, Transcript
from kws.sinks import mqtt, outlet
from kws.sinks.mqtt import Options, messages, open_uri
from kws.sinks.notice import UnavailableError
from kws.sinks.outlet import Outlet

pytestmark = pytest.mark.debian("mosquitto")

EVENT = Detection(name="hey/computer", score=0.75, threshold=0.5, start=1.0, end=1.5, source="día")


def gap(number: int) -> Event:
    return Gap(start=float(number), end=0.0, reason="test")


class Broker:
    """mosquitto on a free port, to be stopped and started again."""

    def __init__(self, folder: Path, users: dict[str, str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._configuration = folder / "mosquitto.conf"
        lines = [f"listener {self.port} 127.0.0.1", f"allow_anonymous {'false' if users else 'true'}"]
        if users:
            passwords = folder / "passwords"
            passwords.touch(0o600)
            for user, password in users.items():
                command = ["mosquitto_passwd", "-b", str(passwords), user, password]
                subprocess.run(command, check=True, capture_output=True)
            passwords.chmod(0o644)
            lines.append(f"password_file {passwords}")
        self._configuration.write_text("\n".join(lines) + "\n")
        self.uri = f"mqtt://127.0.0.1:{self.port}"

    def start(self) -> None:
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._process = subprocess.Popen(
            [program, "-c", str(self._configuration)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for(self._answers, "broker")

    def stop(self) -> None:
        self._process.kill()
        self._process.wait(PATIENCE)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Reader:
    """Subscribed to everything on a broker."""

    def __init__(self, broker: Broker, user: str = "", password: str = "") -> None:
        self.messages: Queue[tuple[str, str]] = Queue()
        subscribed: Queue[Any] = Queue()
        self.client = Client(CallbackAPIVersion.VERSION2)
        if user:
            self.client.username_pw_set(user, password)
        self.client.on_connect = lambda client, *rest: client.subscribe("#", qos=1)
        self.client.on_subscribe = lambda *arguments: subscribed.put(None)
        self.client.on_message = lambda client, data, message: self.messages.put(
            (message.topic, message.payload.decode())
        )
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        subscribed.get(timeout=PATIENCE)

    def next(self) -> tuple[str, str]:
        return self.messages.get(timeout=PATIENCE)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kws-") as name:
        Path(name).chmod(0o755)  # the broker gives up root
        yield Path(name)


@pytest.fixture
def broker(folder: Path) -> Iterator[Broker]:
    broker = Broker(folder, {})
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def reader(broker: Broker) -> Iterator[Reader]:
    reader = Reader(broker)
    yield reader
    reader.close()


def test_an_event_is_published_under_its_type(broker: Broker, reader: Reader) -> None:
    sink = open_uri(f"{broker.uri}/home/kitchen", Options())
    sink.emit(EVENT)
    sink.emit(gap(1))
    assert reader.next() == ("home/kitchen/detection", EVENT.to_json())
    assert reader.next() == ("home/kitchen/gap", gap(1).to_json())
    sink.close()


def test_hermes_has_its_own_topics_and_none_for_other_events(broker: Broker, reader: Reader) -> None:
    sink = open_uri(broker.uri, Options(format="hermes", site="kitchen"))
    sink.emit(gap(1))
    sink.emit(EVENT)
    topic, payload = reader.next()
    assert topic == "hermes/hotword/hey_computer/detected"
    fields = json.loads(payload)
    assert (fields["siteId"], fields["modelId"], fields["currentSensitivity"]) == ("kitchen", EVENT.name, 0.5)
    sink.close()


LIGHTS = Transcript(
    text="turn on the hall light",
    confidence=0.5,
    start=1.0,
    end=2.25,
    in_grammar=True,
    intent="TurnOn",
    slots=Slots(room="hall", what="lamp"),
)


def in_hermes(event: Event) -> dict[str, dict[str, object]]:
    """Topic -> payload."""
    options = Options(format="hermes", site="kitchen")
    return {message.topic: json.loads(message.payload) for message in messages(event, "", options)}


def test_a_transcript_in_hermes() -> None:
    assert in_hermes(dataclasses.replace(LIGHTS, in_grammar=None, intent=None)) == {
        "hermes/asr/textCaptured": {
            "text": "turn on the hall light",
            "likelihood": 0.5,
            "seconds": 1.25,
            "siteId": "kitchen",
            "sessionId": None,
        }
    }


def test_an_intent_with_its_slots_in_hermes() -> None:
    topic, payload = list(in_hermes(LIGHTS).items())[1]
    assert topic == "hermes/intent/TurnOn"
    assert payload["intent"] == {"intentName": "TurnOn", "confidenceScore": 0.5}
    assert (payload["input"], payload["siteId"]) == (LIGHTS.text, "kitchen")
    spoken, named = payload["slots"]  # type: ignore[misc]
    assert (spoken["slotName"], spoken["value"]) == ("room", {"kind": "Unknown", "value": "hall"})
    assert LIGHTS.text[spoken["range"]["start"] : spoken["range"]["end"]] == "hall"
    assert named["range"]["start"] == named["range"]["end"], "what was not said has no place"


def test_what_is_in_no_grammar_is_not_recognized_in_hermes() -> None:
    guesses = (Guess("turn on the whole light", 0.3),)
    event = dataclasses.replace(LIGHTS, text="", in_grammar=False, intent=None, slots=Slots(), nbest=guesses)
    topic, payload = list(in_hermes(event).items())[1]
    assert topic == "hermes/nlu/intentNotRecognized"
    assert payload["input"] == "turn on the whole light"


def test_retained_messages_reach_who_comes_later(broker: Broker) -> None:
    sink = open_uri(broker.uri, Options(retain=True))
    sink.emit(EVENT)
    late = Reader(broker)
    assert late.next() == ("kws/detection", EVENT.to_json())
    late.close()
    sink.close()


def test_the_password_counts(folder: Path) -> None:
    broker = Broker(folder, {"kws": "right"})
    broker.start()
    password = folder / "password"
    password.write_text("right\n")
    reader = Reader(broker, "kws", "right")
    sink = open_uri(broker.uri, Options(user="kws", password_file=str(password)))
    sink.emit(EVENT)
    assert reader.next()[1] == EVENT.to_json()
    for wrong in (Options(), Options(user="other", password_file=str(password))):
        with pytest.raises(UnavailableError, match="refuses us"):
            open_uri(broker.uri, wrong).emit(EVENT)
    sink.close()
    reader.close()
    broker.stop()


def test_no_broker_is_said(broker: Broker) -> None:
    broker.stop()
    sink = open_uri(broker.uri, Options())
    with pytest.raises(OSError, match="refused"):
        sink.emit(EVENT)
    sink.close()


def test_a_broker_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "WAIT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        sink = open_uri(f"mqtt://127.0.0.1:{silent.getsockname()[1]}", Options())
        with pytest.raises(UnavailableError, match="did not answer"):
            sink.emit(EVENT)


def test_events_of_an_outage_arrive_once_when_the_broker_is_back(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet, "FIRST_PAUSE", 0.05)
    subject = Outlet("broker", open_uri(f"{broker.uri}/kws", Options()))
    subject.emit(gap(0))
    wait_for(lambda: subject.counts.delivered == 1, "first delivery")

    broker.stop()
    for number in (1, 2):
        subject.emit(gap(number))
    wait_for(lambda: subject.counts.failures > 0, "failure")
    assert subject.counts.delivered == 1

    broker.start()
    reader = Reader(broker)
    wait_for(lambda: subject.counts.delivered == 3, "delivery after the outage")
    subject.emit(gap(3))
    wait_for(lambda: subject.counts.delivered == 4, "delivery")
    # The reader may have come later than the first of these.
    got = [reader.next()[1]]
    while got[-1] != gap(3).to_json():
        got.append(reader.next()[1])
    assert got == [gap(number).to_json() for number in (1, 2, 3)][-len(got) :]
    assert reader.messages.empty()
    assert subject.counts.dropped == 0
    subject.close(5)
    reader.close()
