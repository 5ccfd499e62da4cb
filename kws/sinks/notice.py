"""What the daemon hands to a sink, and how a sink says that it could not take it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Protocol

from kws.errors import KwsError
from kws.events import Event


class Notice(Protocol):
    """What every sink can pass on: an Event, or a Stamped one."""

    @property
    def type(self) -> str:
        """The event's type, "detection" for one."""

    def to_json(self) -> str:
        """One line of JSON."""


class DaemonSink(Protocol):
    """A sink that tells the temporary from the final: it raises OSError or UnavailableError for what a later
    try may mend, RefusedError for what none will.

    One that wants the audio too has a method `tap`, which takes every Block, in the thread that listens, and
    must not wait.
    """

    def emit(self, notice: Notice, /) -> None:
        """Take one; may take its time, for the daemon gives each sink a thread."""

    def close(self) -> None:
        """Hand over whatever is still held, and let go."""


class UnavailableError(KwsError):
    """Not now: the other side is away or busy."""


class RefusedError(KwsError):
    """Not at all: the other side does not want this event."""


@dataclass(frozen=True)
class Stamped:
    """An event with the wall-clock time at which the daemon had it."""

    event: Event
    at: float
    """Seconds since 1970."""
    more: tuple[tuple[str, float], ...] = ()
    """Further fields: name, value."""

    @property
    def type(self) -> str:
        """That of the event."""
        return self.event.type

    def to_json(self) -> str:
        """The event's own line, then further fields, then `at`: UTC to the millisecond, ISO 8601."""
        at = datetime.fromtimestamp(self.at, timezone.utc).isoformat(timespec="milliseconds")
        more = {**dict(self.more), "at": at.replace("+00:00", "Z")}
        return f"{self.event.to_json()[:-1]}, {json.dumps(more)[1:]}"


@dataclass(frozen=True)
class Restored:
    """A Notice of an earlier run of the daemon: its times are those of another stream."""

    line: str
    """What `to_json` gave then."""

    @property
    def type(self) -> str:
        """The event's; KeyError or ValueError if the line is no event's."""
        return str(json.loads(self.line)["type"])

    def to_json(self) -> str:
        """The line."""
        return self.line


def fields_of(notice: Notice) -> dict[str, Any]:
    """The fields as JSON has them, `type` among them."""
    fields: dict[str, Any] = json.loads(notice.to_json())
    return fields
