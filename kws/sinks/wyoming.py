"""A Wyoming service that takes events, as a satellite's `--event-uri` has it: `wyoming://HOST:PORT`.

If asked, it gets the audio of each command too, from before the wake word on.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kws.command_audio import CommandAudio, Extent, Piece
from kws.errors import KwsError
from kws.settings import setting
from kws.sinks.notice import Notice, Restored, fields_of
from kws.types import SAMPLE_RATE, Block

FORMAT = {"rate": SAMPLE_RATE, "width": 2, "channels": 1}
ENDS_A_COMMAND = {"detection", "transcript", "no-speech"}
"""Types of event: after each of them nothing more is said that belongs to the wake word before it."""
LONGEST_ANSWER = 64
"""Reads after which a service that talks without end counts as there."""
LEAVE_SECONDS = 0.2
"""For the service to close its side at the end."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Options:
    """How the service is spoken to."""

    timeout_seconds: float = setting(5.0, "how long the service may block us", least=0.1, most=300)
    audio: bool = setting(False, "send it the audio of each command too, from before the wake word on")
    before_seconds: float = setting(2.0, "of that audio, from before the word's end", least=0, most=20)
    pause_seconds: float = setting(
        0.8, "a pause after which the command is over; 0: none is", least=0, most=10
    )
    longest_seconds: float = setting(
        10.0, "after the word's end, the command is over in any case", least=0.5, most=60
    )


class WyomingService:
    """A DaemonSink that keeps one connection and makes it anew when it is lost.

    Args:
        audio: what of the stream is sent besides; None: nothing. It goes out in a thread of its own, as it
            comes. A service that fails meanwhile misses the rest of that command.
    """

    def __init__(
        self, host: str, port: int, timeout_seconds: float, audio: CommandAudio | None = None
    ) -> None:
        self._address = (host, port)
        self._timeout = timeout_seconds
        self._audio = audio
        self._position: int | None = None  # of the sample after the last one sent; None: no audio runs
        self._writing = threading.Lock()
        self._more = threading.Event()
        self._connection: socket.socket | None = None
        self._closed = False
        if audio:
            threading.Thread(target=self._follow, name="command audio", daemon=True).start()

    def tap(self, block: Block) -> None:
        """Take a block of audio; never waits."""
        if self._audio:
            self._audio.tap(block)
            if self._audio.runs:
                self._more.set()

    def emit(self, notice: Notice, /) -> None:
        """Send what Wyoming has a word for; OSError if the service is away."""
        if self._closed:
            raise ValueError("this sink is closed")
        event = as_wyoming(notice)
        with self._writing:
            if notice.type in ENDS_A_COMMAND:
                self._end_audio()
            if event is not None:
                self._connect()
                self._write(event)
            # Of an earlier run there is no audio: its times are those of another stream.
            if self._audio and notice.type == "detection" and not isinstance(notice, Restored):
                self._audio.begin(fields_of(notice)["end"])
                self._send_audio()

    def close(self) -> None:
        """End a command that runs, and disconnect."""
        with self._writing:
            self._end_audio()
            self._closed = True
            if self._connection is not None:
                _take_leave(self._connection)
            self._disconnect()
        self._more.set()

    def _follow(self) -> None:
        while self._more.wait() and not self._closed:
            self._more.clear()
            with self._writing:
                self._send_audio()

    def _end_audio(self) -> None:
        if self._audio and self._audio.runs:
            self._audio.end()
            self._send_audio()

    def _send_audio(self) -> None:
        """What has come of a command since the last time."""
        if self._audio is None or not self._audio.runs:
            return
        try:
            if self._connection is None or _is_closed(self._connection):
                raise ConnectionResetError("the service has gone")
            for piece in self._audio.take():
                self._send_piece(piece)
            if not self._audio.runs and self._position is not None:
                self._write(_wyoming("audio-stop", {"timestamp": _milliseconds(self._position)}))
                self._position = None
        except OSError as error:
            _log.warning("wyoming: the rest of a command's audio was not sent (%s)", error)
            self._audio.drop()
            self._position = None
            self._disconnect()

    def _send_piece(self, piece: Piece) -> None:
        about = {**FORMAT, "timestamp": _milliseconds(piece.start)}
        if self._position is None:
            self._write(_wyoming("audio-start", about))
        self._write(_wyoming("audio-chunk", about, piece.samples.astype("<i2").tobytes()))
        self._position = piece.end

    def _connect(self) -> None:
        """If need be: also where the service has closed the connection, which a write would not notice."""
        if self._connection is not None and _is_closed(self._connection):
            self._disconnect()
        if self._connection is None:
            self._connection = socket.create_connection(self._address, self._timeout)

    def _write(self, event: Any) -> None:
        """To the connection there is; OSError if it is lost, and then it is closed."""
        from wyoming.event import write_event

        assert self._connection
        try:
            with self._connection.makefile("wb") as stream:
                write_event(event, stream)
        except OSError:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def as_wyoming(notice: Notice) -> Any:
    """The Wyoming event with this one's meaning, or None if there is none."""
    from wyoming.asr import Transcript
    from wyoming.wake import Detection

    fields = fields_of(notice)
    if notice.type == "detection":
        return Detection(name=fields["name"], timestamp=round(1000 * fields["end"])).event()
    if notice.type == "transcript":
        return Transcript(text=fields["text"]).event()
    return None


def open_uri(uri: str, options: Options) -> WyomingService:
    """Nothing is connected yet; raises KwsError for no address, ModuleNotFoundError without wyoming."""
    import wyoming.event  # noqa: F401 a missing package is said at the start, not at the first event

    if problem := uri_problem(uri):
        raise KwsError(f"{uri}: names no service; write it as {problem}")
    parts = urlsplit(uri)
    extent = Extent(options.before_seconds, options.pause_seconds, options.longest_seconds)
    return WyomingService(
        parts.hostname or "",
        parts.port or 0,
        options.timeout_seconds,
        CommandAudio(extent) if options.audio else None,
    )


def uri_problem(uri: str) -> str:
    """How it is written, if this names no service."""
    try:
        parts = urlsplit(uri)
        usable = bool(parts.hostname) and bool(parts.port)
    except ValueError:
        usable = False
    return "" if usable else "wyoming://HOST:PORT"


def _wyoming(kind: str, data: dict[str, int], payload: bytes | None = None) -> Any:
    from wyoming.event import Event

    return Event(kind, data, payload)


def _milliseconds(sample: int) -> int:
    return round(1000 * sample / SAMPLE_RATE)


def _take_leave(connection: socket.socket) -> None:
    """Let the service read to the end: what it has said itself and nobody read would make closing a reset,
    and a reset discards what it has not read yet."""
    end = time.monotonic() + LEAVE_SECONDS
    connection.settimeout(LEAVE_SECONDS)
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65_536) and time.monotonic() < end:
            pass


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other side has ended it: after what it said, which is passed over, nothing comes."""
    patience = connection.gettimeout()
    connection.setblocking(False)
    try:
        return any(connection.recv(65_536) == b"" for _ in range(LONGEST_ANSWER))
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(patience)
