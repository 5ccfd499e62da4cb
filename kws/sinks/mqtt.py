"""An MQTT broker: `mqtt://HOST/TOPIC`, an event a message below that topic, or as Rhasspy's Hermes has it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from kws.errors import KwsError
from kws.settings import setting
from kws.sinks.notice import Notice, UnavailableError, fields_of
from kws.sinks.secret import read_secret

if TYPE_CHECKING:
    from paho.mqtt.client import Client

DEFAULT_TOPIC = "kws"
PORTS = {"mqtt": 1883, "mqtts": 8883}
WAIT_SECONDS = 5.0
"""For the broker to let us in, and to acknowledge a message."""
KEEPALIVE_SECONDS = 30


Hermes = tuple[str, dict[str, Any]]
"""Topic and payload, but for whose it is."""


@dataclass(frozen=True)
class Options:
    """What is published, and as whom."""

    format: str = setting(
        "json",
        '"json": TOPIC/TYPE with our JSON; "hermes": the topics of Rhasspy',
        choices=("json", "hermes"),
    )
    site: str = setting("default", "siteId of Hermes messages")
    user: str = setting("", "user name at the broker")
    password_file: str = setting("", "file whose first line is the password")
    client: str = setting("", "client id at the broker; without one the broker chooses")
    retain: bool = setting(False, "let the broker keep the last message of each topic")


@dataclass(frozen=True)
class Message:
    """What is published for one event."""

    topic: str
    payload: str


class Mqtt:
    """A DaemonSink that publishes with quality of service 1: an event counts as delivered once the broker has
    acknowledged it. A connection that fails is thrown away together with what it still held, so that an
    event which is tried again does not come twice."""

    def __init__(self, uri: str, options: Options, password: str) -> None:
        parts = urlsplit(uri)
        self._host = parts.hostname or "localhost"
        self._port = parts.port or PORTS[parts.scheme]
        self._encrypted = parts.scheme == "mqtts"
        self._topic = unquote(parts.path).strip("/") or DEFAULT_TOPIC
        self._options = options
        self._password = password
        self._client: Client | None = None
        self._closed = False

    def emit(self, notice: Notice, /) -> None:
        """Publish what this event gives, if anything; OSError or UnavailableError if the broker is away."""
        if self._closed:
            raise ValueError("this sink is closed")
        for message in messages(notice, self._topic, self._options):
            self._publish(message)

    def close(self) -> None:
        """Leave the broker."""
        self._closed = True
        self._disconnect()

    def _publish(self, message: Message) -> None:
        client = self._connected()
        info = client.publish(message.topic, message.payload, qos=1, retain=self._options.retain)
        try:
            info.wait_for_publish(WAIT_SECONDS)
            acknowledged = info.is_published()
        except (RuntimeError, ValueError):  # paho's words for a connection lost on the way
            acknowledged = False
        if not acknowledged:
            self._disconnect()
            raise UnavailableError(f"the broker did not acknowledge within {WAIT_SECONDS:g} s")

    def _connected(self) -> Client:
        if self._client is None or not self._client.is_connected():
            self._disconnect()
            self._client = self._connect()
        return self._client

    def _connect(self) -> Client:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(CallbackAPIVersion.VERSION2, client_id=self._options.client)
        client.connect_timeout = WAIT_SECONDS
        if self._options.user:
            client.username_pw_set(self._options.user, self._password or None)
        if self._encrypted:
            client.tls_set()
        answer = _Answer()
        client.on_connect = answer.take
        client.connect(self._host, self._port, KEEPALIVE_SECONDS)
        client.loop_start()
        if not answer.came.wait(WAIT_SECONDS) or answer.problem:
            _end(client)
            raise UnavailableError(answer.problem or f"the broker did not answer within {WAIT_SECONDS:g} s")
        return client

    def _disconnect(self) -> None:
        if self._client is not None:
            _end(self._client)
        self._client = None


class _Answer:
    """What the broker says to our wish to connect."""

    def __init__(self) -> None:
        self.came = threading.Event()
        self.problem = ""

    def take(self, client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        self.problem = f"the broker refuses us ({reason})" if reason.is_failure else ""
        self.came.set()


def messages(notice: Notice, topic: str, options: Options) -> list[Message]:
    """What is published for this event."""
    if options.format == "json":
        return [Message(f"{topic}/{notice.type}", notice.to_json())]
    fields = fields_of(notice)
    return [
        Message(topic, json.dumps({**payload, "siteId": options.site, "sessionId": None}, ensure_ascii=False))
        for make in HERMES.get(notice.type, ())
        for topic, payload in make(fields)
    ]


def hermes_detection(fields: dict[str, Any]) -> Iterator[Hermes]:
    """A wake word, as Rhasspy's dialogue manager expects it."""
    payload = {
        "modelId": fields["name"],
        "modelVersion": "",
        "modelType": "personal",
        "currentSensitivity": fields["threshold"],
        "sendAudioCaptured": None,
        "lang": None,
    }
    yield f"hermes/hotword/{_one_level(fields['name'])}/detected", payload


def hermes_text(fields: dict[str, Any]) -> Iterator[Hermes]:
    """What was said."""
    seconds = round(fields["end"] - fields["start"], 3)
    payload = {"text": fields["text"], "likelihood": fields["confidence"], "seconds": seconds}
    yield "hermes/asr/textCaptured", payload


def hermes_intent(fields: dict[str, Any]) -> Iterator[Hermes]:
    """What was meant, where there is a grammar: the intent and its slots, or that there is none."""
    guesses = fields.get("nbest") or [{"text": fields["text"]}]
    if fields.get("in_grammar") is False:
        yield "hermes/nlu/intentNotRecognized", {"input": guesses[0]["text"]}
    elif fields.get("intent"):
        payload = {
            "input": fields["text"],
            "rawInput": fields["text"],
            "intent": {"intentName": fields["intent"], "confidenceScore": fields["confidence"]},
            "slots": [_slot(name, value, fields) for name, value in fields["slots"].items()],
            "asrConfidence": fields["confidence"],
        }
        yield f"hermes/intent/{_one_level(fields['intent'])}", payload


def _slot(name: str, value: str, fields: dict[str, Any]) -> dict[str, Any]:
    """`range` counts characters of the text; what was not said as the slot holds it has an empty one."""
    start = max(0, fields["text"].find(value))
    end = start + len(value) if value in fields["text"] else start
    return {
        "entity": name,
        "slotName": name,
        "value": {"kind": "Unknown", "value": value},
        "rawValue": value,
        "confidence": fields["confidence"],
        "range": {"start": start, "end": end, "rawStart": start, "rawEnd": end},
    }


HERMES = {"detection": (hermes_detection,), "transcript": (hermes_text, hermes_intent)}
"""Events that Hermes has topics for."""


def open_uri(uri: str, options: Options) -> Mqtt:
    """Nothing is connected yet; raises KwsError for an address or topic that cannot be one, and
    ModuleNotFoundError without paho-mqtt."""
    import paho.mqtt.client  # noqa: F401 a missing package is said at the start, not at the first event

    if problem := uri_problem(uri):
        raise KwsError(f"{uri}: names no broker and topic; write it as {problem}")
    return Mqtt(uri, options, read_secret(options.password_file))


def uri_problem(uri: str) -> str:
    """How it is written, if this names no broker and topic."""
    try:
        parts = urlsplit(uri)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    return "" if usable and not any(sign in unquote(uri) for sign in "+#\0") else "mqtt://HOST:1883/TOPIC"


def _one_level(name: str) -> str:
    """A name as one level of a topic, without the signs that mean something there."""
    return "".join("_" if sign in "/+#\0" else sign for sign in name)


def _end(client: Client) -> None:
    client.disconnect()
    client.loop_stop()
