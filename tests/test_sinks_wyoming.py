"""Events and the audio of commands to a Wyoming service, which is the package's own server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import numpy as np
import pytest
from pulse import wait_for
from wyoming.asr import Transcript as WyomingTranscript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event as WyomingEvent
from wyoming.server import AsyncEventHandler, AsyncServer
from wyoming.wake import Detection as WyomingDetection

from kws.config import read_config
from kws.events import Detection, Gap, NoSpeech, Transcript
from kws.servers.thread import ServerThread
from kws.sinks.notice import Restored
from kws.sinks.outlets import Outlets
from kws.sinks.wyoming import Options, WyomingService, open_uri
from kws.types import SAMPLE_RATE, Block, Samples

EVENT = Detection(name="computer", score=0.75, threshold=0.5, start=1.0, end=1.5, source="día")
SPOKEN = Transcript(text="lights on", confidence=0.9, start=1.6, end=2.4)
AUDIO = Options(audio=True, before_seconds=1.0, pause_seconds=0.0, longest_seconds=2.0)
COUNTING: Samples = np.arange(10 * SAMPLE_RATE).astype(np.int16)
STEP = 640


class Service:
    """What the package makes a service of: all that its clients send."""

    def __init__(self) -> None:
        self.heard: list[WyomingEvent] = []
        self.connected = 0
        self._thread = ServerThread()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.start()

    @property
    def types(self) -> list[str]:
        """Of what it heard, of several chunks of audio one."""
        types = [event.type for event in self.heard]
        return [kind for kind, before in zip(types, ["", *types], strict=False) if kind != before]

    def start(self) -> None:
        self._server = AsyncServer.from_uri(f"tcp://127.0.0.1:{self.port}")
        self._thread.call(self._server.start(self._client))

    def stop(self) -> None:
        self._thread.call(self._server.stop())
        wait_for(lambda: self.connected == 0, "end of connections")

    def close(self) -> None:
        self.stop()
        self._thread.close()

    def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncEventHandler:
        return Handler(reader, writer, self)


class Handler(AsyncEventHandler):
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, service: Service) -> None:
        super().__init__(reader, writer)
        self._service = service

    async def run(self) -> None:
        self._service.connected += 1
        with contextlib.suppress(ConnectionError):
            await super().run()
        self.writer.close()
        self._service.connected -= 1

    async def stop(self) -> None:
        self.writer.transport.abort()

    async def handle_event(self, event: WyomingEvent) -> bool:
        self._service.heard.append(event)
        await self.write_event(WyomingEvent("pong"))  # what it says is passed over
        return True


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@pytest.fixture
def sink(service: Service) -> Iterator[WyomingService]:
    sink = open_uri(f"wyoming://127.0.0.1:{service.port}", AUDIO)
    yield sink
    sink.close()


def say(sink: WyomingService | Outlets, start: float, end: float) -> None:
    """Let it hear a stretch of the stream."""
    last = round(end * SAMPLE_RATE)
    for first in range(round(start * SAMPLE_RATE), last, STEP):
        sink.tap(Block(COUNTING[first : min(last, first + STEP)], start=first))


def audio_of(events: list[WyomingEvent]) -> tuple[float, Samples]:
    """Where it begins, seconds, and its samples; chunks must meet by their time stamps."""
    (start,) = (AudioStart.from_event(event) for event in events if AudioStart.is_type(event.type))
    chunks = [AudioChunk.from_event(event) for event in events if AudioChunk.is_type(event.type)]
    (stop,) = (AudioStop.from_event(event) for event in events if AudioStop.is_type(event.type))
    assert {(c.rate, c.width, c.channels) for c in (start, *chunks)} == {(SAMPLE_RATE, 2, 1)}
    assert start.timestamp is not None
    at = start.timestamp
    for chunk in chunks:
        assert chunk.timestamp == at
        at += round(1000 * chunk.seconds)
    assert stop.timestamp == at
    return start.timestamp / 1000, np.frombuffer(b"".join(c.audio for c in chunks), "<i2")


def test_events_in_wyomings_words_and_a_service_that_restarts(service: Service) -> None:
    sink = open_uri(f"wyoming://127.0.0.1:{service.port}", Options())
    say(sink, 0, 2)
    for event in (Gap(start=0.0, end=1.0, reason="no word for this"), EVENT, SPOKEN):
        sink.emit(event)
    wait_for(lambda: len(service.heard) == 2, "events")
    assert WyomingDetection.from_event(service.heard[0]) == WyomingDetection("computer", 1500)
    assert WyomingTranscript.from_event(service.heard[1]).text == "lights on"
    service.stop()
    service.start()
    sink.emit(EVENT)  # the first write after the service went away must not get lost
    wait_for(lambda: service.types == ["detection", "transcript", "detection"], "event")
    sink.close()


def test_a_service_that_is_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    sink = open_uri(f"wyoming://127.0.0.1:{port}", AUDIO)
    with pytest.raises(OSError, match="refused"):
        sink.emit(EVENT)
    sink.close()


def test_the_audio_of_a_command_from_before_the_wake_word_to_the_longest_time(
    service: Service, sink: WyomingService
) -> None:
    say(sink, 0, 2)
    sink.emit(EVENT)
    wait_for(lambda: len(service.heard) > 2, "audio while the command is still being said")
    assert service.types == ["detection", "audio-start", "audio-chunk"]
    say(sink, 2, 8)
    wait_for(lambda: service.types[-1] == "audio-stop", "end")
    start, samples = audio_of(service.heard)
    assert start == 0.5
    assert np.array_equal(samples, COUNTING[round(0.5 * SAMPLE_RATE) : round(3.5 * SAMPLE_RATE)])


def test_of_a_word_of_an_earlier_run_there_is_no_audio(service: Service, sink: WyomingService) -> None:
    say(sink, 0, 2)
    sink.emit(Restored(EVENT.to_json()))
    say(sink, 2, 8)
    sink.emit(Restored(SPOKEN.to_json()))
    wait_for(lambda: len(service.heard) == 2, "events")
    assert service.types == ["detection", "transcript"]


@pytest.mark.parametrize(
    ("event", "types"),
    [(SPOKEN, ["audio-stop", "transcript"]), (NoSpeech(1.5, 2.5), ["audio-stop"])],
)
def test_a_recognizer_ends_it(
    service: Service, sink: WyomingService, event: Transcript | NoSpeech, types: list[str]
) -> None:
    say(sink, 0, 2)
    sink.emit(EVENT)
    say(sink, 2, 2.5)
    sink.emit(event)
    say(sink, 2.5, 8)
    wait_for(lambda: service.types[3:] == types, "end")
    _, samples = audio_of(service.heard)
    assert np.array_equal(samples, COUNTING[round(0.5 * SAMPLE_RATE) : round(2.5 * SAMPLE_RATE)])


def test_a_second_wake_word_ends_the_first_command(service: Service, sink: WyomingService) -> None:
    say(sink, 0, 2)
    sink.emit(EVENT)
    say(sink, 2, 3)
    sink.emit(Detection(name="computer", score=0.9, threshold=0.5, start=2.0, end=3.0))
    say(sink, 3, 6)
    one = ["detection", "audio-start", "audio-chunk", "audio-stop"]
    wait_for(lambda: service.types == one * 2, "both")
    second = service.heard[[event.type for event in service.heard].index("audio-stop") + 1 :]
    assert audio_of(second)[0] == 2.0


def test_a_command_that_is_cut_off_by_the_end_is_ended(service: Service, sink: WyomingService) -> None:
    say(sink, 0, 2)
    sink.emit(EVENT)
    sink.close()
    wait_for(lambda: service.types[-1] == "audio-stop", "end")


def test_a_service_that_vanishes_misses_that_command_and_hears_the_next(
    service: Service, sink: WyomingService, caplog: pytest.LogCaptureFixture
) -> None:
    say(sink, 0, 2)
    sink.emit(EVENT)
    wait_for(lambda: "audio-chunk" in service.types, "audio")
    service.stop()
    say(sink, 2, 3)
    wait_for(lambda: "the rest of a command's audio was not sent" in caplog.text, "log")
    service.start()
    service.heard.clear()
    say(sink, 3, 4)
    assert service.heard == []
    sink.emit(Detection(name="computer", score=0.9, threshold=0.5, start=3.0, end=4.0))
    say(sink, 4, 7)
    wait_for(lambda: service.types[-1:] == ["audio-stop"], "next command")
    assert service.types[:2] == ["detection", "audio-start"]


def test_a_service_that_does_not_read_never_holds_up_the_audio() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        uri = f"wyoming://127.0.0.1:{listener.getsockname()[1]}"
        options = {"audio": True, "timeout_seconds": 1.0, "longest_seconds": 60.0, "pause_seconds": 0.0}
        outlets = Outlets(read_config({"sink": [{"uri": uri, **options}]}, "test").sink)
        outlets.emit(EVENT)
        for _ in range(40):  # four hundred seconds, more than any socket holds
            say(outlets, 0, 10)
        outlets.close(5)


def test_only_who_asks_gets_audio(service: Service) -> None:
    uri = f"wyoming://127.0.0.1:{service.port}"
    tables = [{"uri": uri}, {"uri": uri, "audio": True, "events": ["detection"]}]
    outlets = Outlets(read_config({"sink": tables}, "test").sink)
    say(outlets, 0, 2)
    outlets.emit(EVENT)
    outlets.close(10)
    wait_for(lambda: "audio-stop" in service.types, "audio")
    assert [event.type for event in service.heard].count("detection") == 2
    assert [event.type for event in service.heard].count("audio-stop") == 1
