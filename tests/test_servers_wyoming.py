"""The Wyoming server on real sockets: the package's own client, many at once, and those that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pymicro_wakeword
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.event import Event, write_event
from wyoming.info import Describe, Info
from wyoming.server import AsyncEventHandler
from wyoming.wake import Detect, Detection

import kws
from kws.assembly import dictation_of
from kws.config_keys import SpeechSettings
from kws.errors import KwsError
from kws.servers.conversation import Listener
from kws.servers.ears import ModelEars
from kws.servers.wyoming import WyomingServer, check_uri
from kws.servers.wyoming_wire import Limits, WireError, read_event
from kws.types import SAMPLE_RATE, Samples

MODEL = Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json"
RECORDING = Path(kws.__file__).parent / "selftest" / "calls.flac"
GRAMMAR = Path(__file__).parents[1] / "examples" / "grammars" / "home.yaml"
PATIENCE = 60
IMPATIENT = Limits(message_seconds=0.3, write_seconds=0.3, connections=5)


@pytest.fixture(scope="module")
def ears() -> ModelEars:
    return ModelEars(lambda: kws.load(MODEL, threshold=0.3))


@pytest.fixture(scope="module")
def samples() -> Samples:
    audio: Samples = soundfile.read(RECORDING, dtype="int16")[0]
    return audio


@contextlib.asynccontextmanager
async def running(
    ears: ModelEars, folder: Path, limits: Limits | None = None
) -> AsyncIterator[WyomingServer]:
    server = WyomingServer(f"unix://{folder}/wyoming", ears, limits)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
        await until(lambda: server.connected == 0)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it; `run` limits how long."""
    while not condition():
        await asyncio.sleep(0.01)


async def asked(client: AsyncClient, *events: Event) -> Event:
    """The answer to the last of these."""
    for event in events:
        await client.write_event(event)
    answer = await asyncio.wait_for(client.read_event(), PATIENCE)
    assert answer
    return answer


async def spoken(client: AsyncClient, samples: Samples) -> Event:
    await client.write_event(AudioStart(SAMPLE_RATE, 2, 1).event())
    for start in range(0, len(samples), 1024):
        await client.write_event(
            AudioChunk(SAMPLE_RATE, 2, 1, samples[start : start + 1024].tobytes()).event()
        )
    return await asked(client, AudioStop().event())


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 2 * PATIENCE))


def test_the_packages_own_client(ears: ModelEars, samples: Samples, tmp_path: Path) -> None:
    async def test() -> None:
        async with running(ears, tmp_path) as server, AsyncClient.from_uri(server.uri) as client:
            info = Info.from_event(await asked(client, Describe().event()))
            assert info.wake[0].models[0].name == "alexa"
            await client.write_event(Detect(names=["alexa"]).event())
            assert Detection.from_event(await spoken(client, samples)).name == "alexa"

    run(test)


def test_over_tcp(ears: ModelEars, unused_port: int) -> None:
    async def test() -> None:
        server = WyomingServer(f"tcp://127.0.0.1:{unused_port}", ears)
        await server.start()
        async with AsyncClient.from_uri(server.uri) as client:
            assert Info.is_type((await asked(client, Describe().event())).type)
        with pytest.raises(KwsError, match="cannot listen there"):
            await WyomingServer(server.uri, ears).start()
        await server.stop()

    run(test)


def test_a_client_that_vanishes_without_a_word_is_noticed(ears: ModelEars, unused_port: int) -> None:
    connections: list[socket.socket] = []

    class Observed(WyomingServer):
        def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncEventHandler:
            connections.append(writer.get_extra_info("socket"))
            return super()._client(reader, writer)

    async def test() -> None:
        server = Observed(f"tcp://127.0.0.1:{unused_port}", ears)
        await server.start()
        async with AsyncClient.from_uri(server.uri) as client:
            await asked(client, Describe().event())
            assert connections[0].getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        await server.stop()

    run(test)


@pytest.fixture
def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def test_several_at_once_among_two_hundred_who_say_nothing(
    ears: ModelEars, samples: Samples, tmp_path: Path
) -> None:
    async def test() -> None:
        async with running(ears, tmp_path) as server, contextlib.AsyncExitStack() as idle:
            for _ in range(200):
                await idle.enter_async_context(AsyncClient.from_uri(server.uri))
            async with contextlib.AsyncExitStack() as stack:
                clients = [
                    await stack.enter_async_context(AsyncClient.from_uri(server.uri)) for _ in range(5)
                ]
                answers = await asyncio.gather(*(spoken(client, samples) for client in clients))
            assert [Detection.from_event(answer).name for answer in answers] == ["alexa"] * 5
            await until(lambda: server.connected == 200)

    run(test)


class SlowEars(ModelEars):
    """Whose engines are made when the test says so."""

    def __init__(self) -> None:
        super().__init__(lambda: kws.load(MODEL, threshold=0.3), lambda: Deaf())
        self.wanted = threading.Event()
        self.given = threading.Event()

    def wake(self) -> kws.Engine:
        self._wait()
        return super().wake()

    def dictation(self) -> Listener:
        self._wait()
        return super().dictation()

    def _wait(self) -> None:
        self.wanted.set()
        assert self.given.wait(PATIENCE)


class Deaf:
    """A recognizer."""

    def take(self, block: kws.Block, /) -> bool:
        return True

    def told(self) -> list[kws.Event]:
        return []

    def flush(self) -> list[kws.Event]:
        return []

    def reset(self) -> None:
        pass


@pytest.mark.parametrize("first", [AudioChunk(SAMPLE_RATE, 2, 1, bytes(2048)).event(), Event("transcribe")])
def test_while_one_waits_for_its_engine_others_are_answered(tmp_path: Path, first: Event) -> None:
    slow = SlowEars()

    async def test() -> None:
        async with running(slow, tmp_path) as server, AsyncClient.from_uri(server.uri) as waiting:
            await waiting.write_event(first)
            await until(slow.wanted.is_set)
            async with AsyncClient.from_uri(server.uri) as other:
                assert Info.is_type((await asked(other, Describe().event())).type)
            assert server.busy
            slow.given.set()
            answer = await asked(waiting, AudioStop().event())
            assert answer.type == ("not-detected" if first.type == "audio-chunk" else "transcript-start")
            await until(lambda: not server.busy)

    run(test)


class Noting(Deaf):
    """Remembers in which thread it heard, and in which it told."""

    def __init__(self) -> None:
        self.heard: list[threading.Thread] = []
        self.spoken: list[threading.Thread] = []

    def take(self, block: kws.Block, /) -> bool:
        self.heard.append(threading.current_thread())
        return bool(np.any(block.pcm))

    def told(self) -> list[kws.Event]:
        self.spoken.append(threading.current_thread())
        return []


def test_only_what_takes_long_is_done_in_another_thread(tmp_path: Path) -> None:
    """The first chunk where the engine is made; then short ones here, if there is nothing to think about."""
    noting = Noting()
    ears = SlowEars()
    ears.wake = lambda: noting  # type: ignore[assignment,method-assign,return-value]
    quiet, loud, much = np.zeros(1024, np.int16), np.ones(1024, np.int16), np.zeros(32_000, np.int16)

    async def test() -> None:
        async with running(ears, tmp_path) as server, AsyncClient.from_uri(server.uri) as client:
            for samples in (quiet, quiet, loud, much):
                await client.write_event(AudioChunk(SAMPLE_RATE, 2, 1, samples.tobytes()).event())
            await asked(client, Describe().event())

    run(test)
    here = threading.current_thread()
    assert [thread is here for thread in noting.heard] == [False, True, True, False]
    assert [thread is here for thread in noting.spoken] == [False, True, False, False]


def test_who_listens_to_speech_does_not_wait_for_anothers_engine(tmp_path: Path) -> None:
    slow = SlowEars()
    slow.given.set()

    async def test() -> None:
        async with running(slow, tmp_path) as server, AsyncClient.from_uri(server.uri) as speaking:
            await speaking.write_event(Event("transcribe"))
            await until(slow.wanted.is_set)
            slow.wanted.clear()
            slow.given.clear()
            async with AsyncClient.from_uri(server.uri) as waiting:
                await waiting.write_event(Event("transcribe"))
                await until(slow.wanted.is_set)
                assert (await spoken(speaking, np.zeros(16_000, np.int16))).type == "transcript-start"
                slow.given.set()

    run(test)


@pytest.mark.debian("espeak-ng")
def test_speech_of_several_at_once_is_understood_as_alone(
    say: Callable[..., Samples], tmp_path: Path
) -> None:
    """By the bundled recognizer, in threads beside each other."""
    sentences = ("open the curtain", "set a ten minute timer", "turn on the kitchen light")
    said = [say(sentence) for sentence in sentences]
    speech = SpeechSettings("english", str(GRAMMAR), threshold=0.0)
    heard = ModelEars(lambda: kws.load(MODEL), dictation_of(speech), "en")

    async def transcript(server: WyomingServer, part: Samples) -> list[dict[str, Any]]:
        async with AsyncClient.from_uri(server.uri) as client:
            await client.write_event(Event("transcribe"))
            answers = [await spoken(client, part)]
            while answers[-1].type != "transcript-stop":
                answers.append(await asked(client))
            return [answer.data for answer in answers]

    async def test() -> None:
        async with running(heard, tmp_path) as server:
            alone = [await transcript(server, part) for part in said]
            assert tuple(answers[-2]["text"] for answers in alone) == sentences
            assert await asyncio.gather(*(transcript(server, part) for part in said)) == alone

    run(test)


def test_an_engine_that_is_never_ready_does_not_hold_up_the_end(tmp_path: Path) -> None:
    slow = SlowEars()

    async def test() -> None:
        server = WyomingServer(f"unix://{tmp_path}/wyoming", slow)
        await server.start()
        async with AsyncClient.from_uri(server.uri) as waiting:
            await waiting.write_event(Event("transcribe"))
            await until(slow.wanted.is_set)
            await server.stop()
            assert server.busy
            slow.given.set()
            await until(lambda: not server.busy)

    run(test)


MISBEHAVIOUR = {
    "no JSON": b"hello\n",
    "no object": b"[]\n",
    "no type": b"{}\n",
    "a type that is no text": b'{"type": 3}\n',
    "data that is no object": b'{"type": "ping", "data": 3}\n',
    "a giant length of data": b'{"type": "ping", "data_length": 99999999999}\n',
    "a giant length of payload": b'{"type": "audio-chunk", "payload_length": 99999999999}\n',
    "a negative length": b'{"type": "ping", "data_length": -5}\n',
    "a fractional length": b'{"type": "ping", "payload_length": 0.5}\n',
    "a length that is no number": b'{"type": "ping", "payload_length": "5"}\n',
    "data that is no JSON": b'{"type": "ping", "data_length": 3}\nabc',
    "bytes that are no text": b'{"type": "\xff\xfe"}\n',
    "a header without an end": b"x" * 200_000,
    "a nest of brackets": b"[" * 60_000 + b"\n",
    "a giant number": b'{"type": "ping", "data_length": ' + b"9" * 5_000 + b"}\n",
    "half a header": b'{"type": "pi',
    "half a payload": b'{"type": "audio-chunk", "payload_length": 1000}\nabc',
    "audio of an impossible form": b'{"type": "audio-chunk", "data": {"rate": 0}, "payload_length": 2}\nab',
    "a request of the web": b"GET / HTTP/1.1\r\nHost: kitchen\r\n\r\n",
}


@pytest.mark.parametrize("sent", MISBEHAVIOUR.values(), ids=MISBEHAVIOUR)
def test_who_misbehaves_is_told_and_disconnected(ears: ModelEars, tmp_path: Path, sent: bytes) -> None:
    async def test() -> None:
        async with running(ears, tmp_path, IMPATIENT) as server:
            reader, writer = await asyncio.open_unix_connection(f"{tmp_path}/wyoming")
            writer.write(sent)
            header = json.loads(await asyncio.wait_for(reader.readline(), PATIENCE))
            assert header["type"] == "error"
            with contextlib.suppress(ConnectionError):
                await asyncio.wait_for(reader.read(), PATIENCE)  # to the end of the connection
            writer.close()
            async with AsyncClient.from_uri(server.uri) as other:
                assert Info.is_type((await asked(other, Describe().event())).type)

    run(test)


def test_who_leaves_in_the_middle_is_forgotten(ears: ModelEars, tmp_path: Path) -> None:
    async def test() -> None:
        async with running(ears, tmp_path) as server:
            for sent in (b"", b"{", b'{"type": "audio-chunk", "payload_length": 1000}\nabc'):
                _, writer = await asyncio.open_unix_connection(f"{tmp_path}/wyoming")
                await until(lambda: server.connected == 1)
                writer.write(sent)
                writer.close()
                await until(lambda: server.connected == 0)

    run(test)


def test_who_does_not_read_is_disconnected(ears: ModelEars, tmp_path: Path) -> None:
    async def test() -> None:
        async with running(ears, tmp_path, IMPATIENT) as server:
            _, writer = await asyncio.open_unix_connection(f"{tmp_path}/wyoming")
            with contextlib.suppress(ConnectionError):
                for _ in range(20_000):
                    writer.write(b'{"type": "describe"}\n')
                await asyncio.wait_for(writer.drain(), PATIENCE)
            await until(lambda: server.connected == 0)
            writer.close()

    run(test)


def test_more_than_are_allowed_are_sent_away(ears: ModelEars, tmp_path: Path) -> None:
    async def test() -> None:
        async with running(ears, tmp_path, IMPATIENT), contextlib.AsyncExitStack() as stack:
            path = f"{tmp_path}/wyoming"
            for _ in range(IMPATIENT.connections):
                client = await stack.enter_async_context(AsyncClient.from_uri(f"unix://{path}"))
                assert Info.is_type((await asked(client, Describe().event())).type)
            reader, writer = await asyncio.open_unix_connection(path)
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
            writer.close()
            assert Info.is_type((await asked(client, Describe().event())).type)

    run(test)


@pytest.mark.parametrize(
    "uri",
    ["", "tcp://", "tcp://host", "tcp://:10400", "tcp://host:99999999", "unix://", "unix://a", "http://a:1"],
)
def test_addresses_that_are_none(uri: str) -> None:
    with pytest.raises(KwsError, match="no address for Wyoming; write"):
        check_uri(uri)


LIMITS = Limits(message_seconds=PATIENCE)
headers = st.dictionaries(
    st.sampled_from(["type", "data", "data_length", "payload_length"]),
    st.none()
    | st.integers(-5, 50)
    | st.text(max_size=5)
    | st.dictionaries(st.text(max_size=2), st.integers()),
)
streams = st.lists(
    st.binary(max_size=40) | headers.map(lambda header: json.dumps(header).encode() + b"\n"), max_size=5
).map(b"".join)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(streams)
def test_any_bytes_give_events_or_a_wire_error(content: bytes) -> None:
    async def read() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(content)
        reader.feed_eof()
        while (event := await read_event(reader, LIMITS)) is not None:
            assert isinstance(event, Event)
            assert isinstance(event.data, dict)

    with contextlib.suppress(WireError):
        asyncio.run(read())


@given(st.text(max_size=10), st.dictionaries(st.text(max_size=5), st.integers()), st.binary(max_size=50))
@settings(deadline=None)
def test_what_the_package_writes_is_read(kind: str, data: dict[str, Any], payload: bytes) -> None:
    async def read() -> None:
        stream = BytesIO()
        write_event(Event(kind, data, payload or None), stream)
        reader = asyncio.StreamReader()
        reader.feed_data(stream.getvalue())
        reader.feed_eof()
        assert await read_event(reader, LIMITS) == Event(kind, data, payload or None)
        assert await read_event(reader, LIMITS) is None

    asyncio.run(read())
