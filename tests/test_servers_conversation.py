"""One Wyoming client, without a network: what it asks, what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pymicro_wakeword
import pytest
import soundfile
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.wake import Detect, Detection, NotDetected

import kws
from kws.errors import KwsError
from kws.events import Event as KwsEvent
from kws.events import Partial, Transcript
from kws.servers.conversation import Conversation
from kws.servers.ears import ModelEars
from kws.servers.wyoming_audio import ChunkReader
from kws.servers.wyoming_wire import WireError
from kws.types import SAMPLE_RATE, Block, Samples

MODEL = Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json"
RECORDING = Path(kws.__file__).parent / "selftest" / "calls.flac"
CHUNK = AudioChunk(SAMPLE_RATE, 2, 1, bytes(320)).event()


@pytest.fixture(scope="module")
def ears() -> ModelEars:
    return ModelEars(lambda: kws.load(MODEL, threshold=0.3))


@pytest.fixture
def client(ears: ModelEars) -> Conversation:
    return Conversation(ears)


@pytest.fixture(scope="module")
def samples() -> Samples:
    audio: Samples = soundfile.read(RECORDING, dtype="int16")[0]
    return audio


@pytest.fixture(scope="module")
def word(samples: Samples) -> kws.Detection:
    (found,) = kws.load(MODEL, threshold=0.3).push(Block(samples))
    assert isinstance(found, kws.Detection)
    return found


def spoken(
    client: Conversation, samples: Samples, chunk: int = 1024, timestamps: bool = False
) -> list[Event]:
    """All answers to this audio, in chunks."""
    answers = client.push(AudioStart(SAMPLE_RATE, 2, 1).event())
    for start in range(0, len(samples), chunk):
        at = 1000 * start // SAMPLE_RATE if timestamps else None
        pcm = samples[start : start + chunk].tobytes()
        answers += client.push(AudioChunk(SAMPLE_RATE, 2, 1, pcm, timestamp=at).event())
    return answers + client.push(AudioStop().event())


def test_describe_names_the_wake_words(client: Conversation) -> None:
    (answer,) = client.push(Describe().event())
    (program,) = Info.from_event(answer).wake
    assert program.installed
    (model,) = program.models
    assert (model.name, model.phrase, model.languages) == ("alexa", "Alexa", ["en"])
    assert Info.from_event(answer).asr == []


def test_a_wake_word_is_told_once_at_its_place(
    client: Conversation, samples: Samples, word: kws.Detection
) -> None:
    (answer,) = spoken(client, samples)
    detection = Detection.from_event(answer)
    assert detection.name == "alexa"
    assert detection.timestamp == round(1000 * word.end)


def test_the_clients_own_time_stamps_are_given_back(
    client: Conversation, samples: Samples, word: kws.Detection
) -> None:
    (answer,) = spoken(client, samples, timestamps=True)
    timestamp = Detection.from_event(answer).timestamp
    assert timestamp is not None
    chunk_milliseconds = 64
    assert 0 <= word.end * 1000 - timestamp <= chunk_milliseconds


def test_nothing_heard_is_told_at_the_end(client: Conversation) -> None:
    answers = spoken(client, np.zeros(SAMPLE_RATE, np.int16))
    assert [answer.type for answer in answers] == [NotDetected().event().type]


@pytest.mark.parametrize(("names", "heard"), [(["alexa"], 1), (None, 1), ([], 1), (["computer"], 0)])
def test_only_words_asked_for_are_told(
    client: Conversation, samples: Samples, names: list[str] | None, heard: int
) -> None:
    client.push(Detect(names=names).event())
    answers = spoken(client, samples)
    assert sum(Detection.is_type(answer.type) for answer in answers) == heard
    assert sum(NotDetected.is_type(answer.type) for answer in answers) == 1 - heard


def test_a_word_that_is_not_there_is_an_error(client: Conversation) -> None:
    (answer,) = client.push(Detect(names=["alexa", "computer"]).event())
    assert answer.type == "error"
    assert "computer" in answer.data["text"]


def test_each_stream_starts_anew(client: Conversation, samples: Samples) -> None:
    first, second = spoken(client, samples), spoken(client, samples)
    assert [e.data for e in first] == [e.data for e in second]


def test_clients_share_no_state(ears: ModelEars, samples: Samples) -> None:
    """Two at once, chunk by chunk, hear what each hears alone."""
    alone = spoken(Conversation(ears), samples)
    clients = [Conversation(ears), Conversation(ears)]
    told: list[list[Event]] = [[], []]
    shifted = np.concatenate([np.zeros(SAMPLE_RATE, np.int16), samples])
    for start in range(0, len(shifted), 800):
        for client, answers, audio in zip(clients, told, (samples, shifted), strict=True):
            pcm = audio[start : start + 800].tobytes()
            answers += client.push(AudioChunk(SAMPLE_RATE, 2, 1, pcm).event())
    assert [e.data for e in told[0]] == [e.data for e in alone]
    assert [e.type for e in told[1]] == ["detection"]


def test_other_formats_are_converted(client: Conversation, samples: Samples, word: kws.Detection) -> None:
    wide = np.repeat(np.repeat(samples.astype("<i4") << 16, 3)[:, None], 2, axis=1)  # 48 kHz, stereo, 32 bit
    answers = []
    for start in range(0, len(wide), 4800):
        pcm = wide[start : start + 4800].tobytes()
        answers += client.push(AudioChunk(3 * SAMPLE_RATE, 4, 2, pcm).event())
    (answer,) = answers
    timestamp = Detection.from_event(answer).timestamp
    assert timestamp == pytest.approx(1000 * word.end, abs=60)


@pytest.mark.parametrize(
    ("width", "values"),
    [(1, [0, 128, 255]), (3, [0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0x7F])],
)
def test_bytes_of_every_width_mean_the_same(width: int, values: list[int]) -> None:
    form = {"rate": SAMPLE_RATE, "width": width, "channels": 1}
    low, middle, high = ChunkReader().push(form, bytes(values))
    assert (low, middle) == (-32768, 0)
    assert high > 32500


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"rate": 0, "width": 2, "channels": 1},
        {"rate": 16_000, "width": 5, "channels": 1},
        {"rate": 16_000, "width": 2, "channels": 0},
        {"rate": 16_000, "width": 2, "channels": 10**9},
        {"rate": True, "width": 2, "channels": 1},
        {"rate": "16000", "width": 2, "channels": 1},
    ],
)
def test_a_format_that_no_audio_has_is_refused(client: Conversation, form: dict[str, object]) -> None:
    with pytest.raises(WireError, match="of an audio chunk is not from"):
        client.push(Event("audio-chunk", form, b"abcd"))


def test_a_chunk_that_is_longer_than_a_command_is_refused(client: Conversation) -> None:
    """At the lowest rate a payload of 1 MB would be 17 minutes, and 34 MB where it is heard."""
    form = {"rate": 1_000, "width": 1, "channels": 1}
    with pytest.raises(WireError, match="longer than 60 s"):
        client.push(Event("audio-chunk", form, bytes(60_001)))


def test_half_samples_and_empty_chunks_are_no_harm(client: Conversation) -> None:
    form = {"rate": SAMPLE_RATE, "width": 2, "channels": 2}
    for payload in (None, b"", b"a", b"abc", b"abcde"):
        assert client.push(Event("audio-chunk", form, payload)) == []


def test_events_that_mean_nothing_here_are_passed_over(client: Conversation) -> None:
    for kind in ("synthesize", "run-pipeline", "", "audio-chunk-of-another-kind"):
        assert client.push(Event(kind, {"x": 1})) == []


def test_ping_is_answered(client: Conversation) -> None:
    assert [answer.type for answer in client.push(Event("ping", {"text": "x"}))] == ["pong"]


def test_without_a_recognizer_transcribe_is_an_error_and_wake_words_go_on(
    client: Conversation, samples: Samples
) -> None:
    (answer,) = client.push(Event("transcribe"))
    assert answer.type == "error"
    assert [answer.type for answer in spoken(client, samples)] == ["detection"]


class Script:
    """A listener that says what it is told to: after each block the next list, the last at the end."""

    def __init__(self, *said: Sequence[KwsEvent]) -> None:
        self._said = list(said)

    def take(self, block: Block) -> bool:
        return True

    def told(self) -> list[KwsEvent]:
        return list(self._said.pop(0)) if len(self._said) > 1 else []

    def flush(self) -> list[KwsEvent]:
        return list(self._said.pop(0))

    def reset(self) -> None:
        raise AssertionError("a recognizer is new")


def partial(text: str, stable: int) -> Partial:
    return Partial(text=text, confidence=0.5, start=0.0, end=1.0, stable=stable)


def transcript(text: str) -> Transcript:
    return Transcript(text=text, confidence=0.5, start=0.0, end=1.0)


def transcribed(ears: ModelEars, *said: Sequence[KwsEvent]) -> list[tuple[str, str]]:
    """Type and text of each answer."""
    ears._dictation = lambda: Script(*said)
    client = Conversation(ears)
    assert client.push(Event("transcribe", {"language": "en"})) == []
    chunks = len(said) - 1
    answers = spoken(client, np.ones(160 * chunks, np.int16), chunk=160)
    return [(answer.type, answer.data.get("text", "")) for answer in answers]


@pytest.fixture
def speech_ears() -> ModelEars:
    return ModelEars(lambda: kws.load(MODEL), dictation=lambda: Script([]), language="en")


def test_words_are_sent_when_they_are_certain_then_all_at_once(speech_ears: ModelEars) -> None:
    answers = transcribed(
        speech_ears,
        [partial("turn", 0)],
        [partial("turn on the", 1)],
        [partial("turn on the light", 3)],
        [transcript("turn on the light")],
        [],
    )
    assert answers == [
        ("transcript-start", ""),
        ("transcript-chunk", "turn"),
        ("transcript-chunk", " on the"),
        ("transcript-chunk", " light"),
        ("transcript", "turn on the light"),
        ("transcript-stop", ""),
    ]


def test_several_utterances_join_and_the_last_ends_with_the_audio(speech_ears: ModelEars) -> None:
    answers = transcribed(speech_ears, [transcript("lights on")], [transcript("")], [transcript("stop")])
    assert "".join(text for kind, text in answers if kind == "transcript-chunk") == "lights on stop"
    assert ("transcript", "lights on stop") in answers


def test_silence_gives_an_empty_transcript(speech_ears: ModelEars) -> None:
    assert transcribed(speech_ears, [], []) == [
        ("transcript-start", ""),
        ("transcript", ""),
        ("transcript-stop", ""),
    ]


def test_after_a_transcript_audio_goes_to_the_wake_words_again(
    speech_ears: ModelEars, samples: Samples
) -> None:
    speech_ears._dictation = lambda: Script([], [])
    speech_ears._build = lambda: kws.load(MODEL, threshold=0.3)
    speech_ears._ready = None
    client = Conversation(speech_ears)
    client.push(Event("transcribe"))
    assert [a.type for a in spoken(client, samples[:160])][-1] == "transcript-stop"
    assert [a.type for a in spoken(client, samples)] == ["detection"]


def test_a_recognizer_is_described(speech_ears: ModelEars) -> None:
    (program,) = speech_ears.info.asr
    assert program.supports_transcript_streaming
    assert program.models[0].languages == ["en"]


def test_a_model_that_cannot_be_used_shows_at_the_start() -> None:
    with pytest.raises(KwsError):
        ModelEars(lambda: kws.load("/no/such/model.json"))


class Late(Script):
    """A second stage, which decides when the audio has ended."""

    def reset(self) -> None:
        pass


def test_a_word_that_is_decided_at_the_end_is_told(speech_ears: ModelEars, word: kws.Detection) -> None:
    speech_ears._build = lambda: Late([], [word])  # type: ignore[assignment,return-value]
    speech_ears._ready = None
    answers = spoken(Conversation(speech_ears), np.ones(160, np.int16), chunk=160)
    assert [answer.type for answer in answers] == ["detection"]


@pytest.mark.parametrize(("stamped", "expected"), [(None, 70), (90, 90)])
def test_a_word_that_is_decided_at_the_end_has_the_clients_last_time_stamp(
    speech_ears: ModelEars, word: kws.Detection, stamped: int | None, expected: int
) -> None:
    speech_ears._build = lambda: Late([], [], [word], [], [word])  # type: ignore[assignment,return-value]
    speech_ears._ready = None
    client = Conversation(speech_ears)
    for at in (60, 70):
        client.push(AudioChunk(SAMPLE_RATE, 2, 1, bytes(320), timestamp=at).event())
    (answer,) = client.push(AudioStop(timestamp=stamped).event())
    assert Detection.from_event(answer).timestamp == expected
    client.push(AudioChunk(SAMPLE_RATE, 2, 1, bytes(320)).event())
    (answer,) = client.push(AudioStop().event())
    assert Detection.from_event(answer).timestamp == round(1000 * word.end)


def test_what_takes_long_is_said_before_it_is_done(speech_ears: ModelEars) -> None:
    """Which answers another thread should find: a recognizer's, a second stage's, the first to audio."""

    def kinds(*events: Event) -> list[str]:
        found = []
        for event in events:
            makes = client.makes(event)
            thinks = client.take(event)
            client.answers()
            found.append("make" if makes else "think" if thinks else "")
        return found

    hearing = [CHUNK, AudioStop().event()]
    speech_ears._dictation = lambda: Script([], [])
    client = Conversation(speech_ears)
    assert kinds(Describe().event(), *hearing) == ["", "make", "think"]
    assert kinds(Describe().event(), *hearing, AudioStop().event()) == ["", "", "think", ""]
    assert kinds(Event("transcribe"), *hearing) == ["make", "think", "think"]
    assert kinds(*hearing) == ["", "think"]
    speech_ears._build = lambda: Late([], [], [])  # type: ignore[assignment,return-value]
    speech_ears._ready = None
    client = Conversation(speech_ears)
    assert kinds(CHUNK, *hearing) == ["make", "think", "think"]
