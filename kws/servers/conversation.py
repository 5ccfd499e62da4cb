"""One Wyoming client: events in, events out. No I/O, threads or clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from wyoming.asr import Transcript as WyomingTranscript
from wyoming.asr import TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.error import Error
from wyoming.event import Event as WyomingEvent
from wyoming.info import Info
from wyoming.ping import Ping, Pong
from wyoming.wake import Detection as WyomingDetection
from wyoming.wake import NotDetected

from kws.errors import KwsError
from kws.events import Detection, Event, Partial, Transcript
from kws.servers.wyoming_audio import ChunkReader
from kws.types import Block, Samples


class Listener(Protocol):
    """An engine, as a server asks it: what is quick apart from what takes its time, see kws.engine."""

    def take(self, block: Block, /) -> bool:
        """Hear a block: whether `told` may take its time."""

    def told(self) -> list[Event]:
        """The events of that block."""

    def flush(self) -> list[Event]:
        """The audio has ended: what was still held back."""

    def reset(self) -> None:
        """As new."""


class Ears(Protocol):
    """What a server can listen with; each call makes new ones, for clients share no state."""

    @property
    def info(self) -> Info:
        """What `describe` is answered."""

    @property
    def names(self) -> Sequence[str]:
        """Of the wake words there are."""

    def wake(self) -> Listener:
        """For all wake words."""

    def dictation(self) -> Listener:
        """For speech; raises KwsError if this server has no recognizer."""


class Conversation:
    """What one client has asked for, and what it is told.

    Audio goes to the wake words, and after `transcribe` up to `audio-stop` to the recognizer. Events
    that mean nothing here are passed over, as the protocol wants it.
    """

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._audio = ChunkReader()
        self._wake: Listener | None = None
        self._wanted: frozenset[str] | None = None  # None: any wake word
        self._listener: Listener | None = None  # of the audio that runs
        self._heard_any = False
        self._timestamp: object = None  # the client's own, of the chunk before
        self._speech: _Speech | None = None
        self._context: dict[str, object] | None = None
        self._rest: Callable[[], list[WyomingEvent]] = list

    def push(self, event: WyomingEvent) -> list[WyomingEvent]:
        """The answers to this event; raises WireError for audio that is none."""
        self.take(event)
        return self.answers()

    def take(self, event: WyomingEvent) -> bool:
        """First half of `push`: whether `answers`, the second, may take longer than others should wait.

        The two may run in different threads, one after the other.
        """
        if event.type == "audio-chunk":
            return self._chunk(event)
        handle: dict[str, Callable[[WyomingEvent], list[WyomingEvent]]] = {
            "describe": self._describe,
            "ping": self._ping,
            "detect": self._detect,
            "transcribe": self._transcribe,
            "audio-start": self._start,
            "audio-stop": self._stop,
        }
        self._rest = partial(handle.get(event.type, _nothing), event)
        return event.type == "audio-stop" and self._listener is not None

    def answers(self) -> list[WyomingEvent]:
        """Second half: the answers to the event that was taken."""
        rest, self._rest = self._rest, list
        return rest()

    def makes(self, event: WyomingEvent) -> bool:
        """Whether something has to be made before `push` can answer this, which may take seconds."""
        first = self._speech is None and self._wake is None
        return event.type == "transcribe" or (first and event.type in ("audio-chunk", "audio-stop"))

    def _describe(self, event: WyomingEvent) -> list[WyomingEvent]:
        return [self._ears.info.event()]

    def _ping(self, event: WyomingEvent) -> list[WyomingEvent]:
        return [Pong(text=Ping.from_event(event).text).event()]

    def _detect(self, event: WyomingEvent) -> list[WyomingEvent]:
        names = event.data.get("names")
        self._wanted = frozenset(map(str, names)) if isinstance(names, list) and names else None
        self._context = _object_or_none(event.data.get("context"))
        self._speech = None
        self._listener = None
        unknown = sorted(self._wanted - set(self._ears.names)) if self._wanted else []
        if unknown:
            known = ", ".join(self._ears.names)
            return [Error(f"no wake word {', '.join(unknown)}; there are {known}", "unknown-name").event()]
        return []

    def _transcribe(self, event: WyomingEvent) -> list[WyomingEvent]:
        self._context = _object_or_none(event.data.get("context"))
        try:
            self._speech = _Speech(self._ears.dictation())
        except KwsError as error:
            self._speech = None
            return [Error(str(error), "no-recognizer").event()]
        self._listener = None
        return []

    def _start(self, event: WyomingEvent) -> list[WyomingEvent]:
        self._audio.flush()
        self._forget_audio()
        return []

    def _chunk(self, event: WyomingEvent) -> bool:
        samples = self._audio.push(event.data, event.payload or b"")
        self._timestamp = event.data.get("timestamp")
        return self._hear(samples, self._timestamp)

    def _stop(self, event: WyomingEvent) -> list[WyomingEvent]:
        stamped = event.data.get("timestamp")
        timestamp = self._timestamp if stamped is None else stamped
        self._hear(self._audio.flush(), timestamp)
        answers = self.answers()
        if self._speech is not None:
            answers += self._speech.finish(self._context)
            self._speech = None
        else:
            answers += self._held_back(timestamp)
            if not self._heard_any:
                answers.append(NotDetected(context=self._context).event())
        self._forget_audio()
        return answers

    def _forget_audio(self) -> None:
        self._listener = None
        self._heard_any = False
        self._timestamp = None

    def _hear(self, samples: Samples, timestamp: object) -> bool:
        """Whether the `answers` to these samples may take their time."""
        self._rest = list
        if not len(samples):
            return False
        if self._listener is None:
            self._listener = self._speech.listener if self._speech else self._new_wake()
        self._rest = partial(self._told, self._listener, timestamp)
        return self._listener.take(Block(samples))

    def _told(self, listener: Listener, timestamp: object) -> list[WyomingEvent]:
        events = listener.told()
        return self._speech.hear(events) if self._speech else self._found(events, timestamp)

    def _held_back(self, timestamp: object) -> list[WyomingEvent]:
        """What a second stage had not decided when the audio ended."""
        return self._found(self._listener.flush(), timestamp) if self._listener else []

    def _found(self, events: Iterable[Event], timestamp: object) -> list[WyomingEvent]:
        found = [
            self._as_detection(e, timestamp) for e in events if isinstance(e, Detection) and self._wants(e)
        ]
        self._heard_any = self._heard_any or bool(found)
        return found

    def _new_wake(self) -> Listener:
        if self._wake is None:
            self._wake = self._ears.wake()
        self._wake.reset()
        return self._wake

    def _wants(self, detection: Detection) -> bool:
        return self._wanted is None or detection.name in self._wanted

    def _as_detection(self, detection: Detection, timestamp: object) -> WyomingEvent:
        """With the time stamp of the client's chunk, or where it gives none the place in its audio."""
        given = isinstance(timestamp, int) and not isinstance(timestamp, bool)
        at = timestamp if given else round(1000 * detection.end)
        return WyomingDetection(detection.name, at, context=self._context).event()  # type: ignore[arg-type]


class _Speech:
    """One transcription: what has been sent of it."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self._texts: list[str] = []  # of utterances that have ended
        self._started = False
        self._sent_words = 0  # of the utterance that is being said

    def hear(self, events: Sequence[Event]) -> list[WyomingEvent]:
        answers: list[WyomingEvent] = []
        for event in events:
            if isinstance(event, Partial):
                certain = event.text.split()[: event.stable]
                answers += self._send(certain[self._sent_words :])
                self._sent_words = max(self._sent_words, len(certain))
            elif isinstance(event, Transcript):
                answers += self._end_utterance(event.text)
        return answers

    def finish(self, context: dict[str, object] | None) -> list[WyomingEvent]:
        """The audio has ended: what was still open, then all of it at once."""
        answers = self.hear(self.listener.flush())
        answers += self._begin()
        transcript = WyomingTranscript(" ".join(self._texts), context=context).event()
        return [*answers, transcript, TranscriptStop().event()]

    def _end_utterance(self, text: str) -> list[WyomingEvent]:
        answers = self._send(text.split()[self._sent_words :])
        if text:
            self._texts.append(text)
        self._sent_words = 0
        return answers

    def _send(self, words: Sequence[str]) -> list[WyomingEvent]:
        if not words:
            return []
        space = " " if self._started else ""
        return [*self._begin(), TranscriptChunk(space + " ".join(words)).event()]

    def _begin(self) -> list[WyomingEvent]:
        """`transcript-start`, once."""
        begin = [] if self._started else [TranscriptStart().event()]
        self._started = True
        return begin


def _nothing(event: WyomingEvent) -> list[WyomingEvent]:
    return []


def _object_or_none(value: object) -> dict[str, object] | None:
    return value if isinstance(value, dict) else None
