"""A Wyoming service that takes events, as a satellite's `--event-uri` has it: `wyoming://HOST:PORT`."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from kws.errors import KwsError
from kws.settings import setting
from kws.sinks.notice import Notice, fields_of


@dataclass(frozen=True)
class Options:
    """How the service is spoken to."""

    timeout_seconds: float = setting(5.0, "how long the service may block us", least=0.1, most=300)


class WyomingService:
    """A DaemonSink that keeps one connection and makes it anew when it is lost."""

    def __init__(self, host: str, port: int, timeout_seconds: float) -> None:
        self._address = (host, port)
        self._timeout = timeout_seconds
        self._connection: socket.socket | None = None
        self._closed = False

    def emit(self, notice: Notice, /) -> None:
        """Send what Wyoming has a word for; OSError if the service is away."""
        from wyoming.event import write_event

        if self._closed:
            raise ValueError("this sink is closed")
        event = as_wyoming(notice)
        if event is None:
            return
        try:
            with self._connected().makefile("wb") as stream:
                write_event(event, stream)
        except OSError:
            self._disconnect()
            raise

    def close(self) -> None:
        """Disconnect."""
        self._closed = True
        self._disconnect()

    def _connected(self) -> socket.socket:
        """The connection; a new one where the service has closed the old, which a write would not notice."""
        if self._connection is not None and _is_closed(self._connection):
            self._disconnect()
        if self._connection is None:
            self._connection = socket.create_connection(self._address, self._timeout)
        return self._connection

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

    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise KwsError(f"{uri}: names no service; write it as wyoming://HOST:PORT")
    return WyomingService(host, port, options.timeout_seconds)


def _is_closed(connection: socket.socket) -> bool:
    """Whether the other side has ended it: then there is something to read, and it is nothing."""
    patience = connection.gettimeout()
    connection.setblocking(False)
    try:
        return connection.recv(65_536) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.settimeout(patience)
