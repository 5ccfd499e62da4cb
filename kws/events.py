"""What can be heard, as small frozen dataclasses, to and from JSON lines.

Times are seconds of the stream: sample count divided by the rate, never a clock.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Event:
    """Base of all events."""

    type: ClassVar[str]
    """The value of `type` in JSON."""

    def to_json(self) -> str:
        """One line of JSON: `type` first, then the fields in their order; numbers to four decimals."""
        fields = {name: _rounded(value) for name, value in dataclasses.asdict(self).items()}
        return json.dumps({"type": self.type, **fields}, ensure_ascii=False)


@dataclass(frozen=True)
class Detection(Event):
    """A wake word was heard."""

    type: ClassVar[str] = "detection"

    name: str
    """Label of the wake word."""
    score: float
    """Smoothed score, 0 to 1, at the step that first reached the threshold."""
    threshold: float
    """The threshold it reached."""
    start: float
    """Estimated start of the word, seconds."""
    end: float
    """End of the audio that the deciding step had heard, seconds."""
    source: str = ""
    """File or device it came from."""


@dataclass(frozen=True)
class Gap(Event):
    """Audio between `start` and `end` was lost; nothing was heard there."""

    type: ClassVar[str] = "gap"

    start: float
    """First lost moment, seconds."""
    end: float
    """Where the audio goes on, seconds."""
    reason: str
    """Why, in a few words: "overflow", "device lost"."""
    source: str = ""
    """File or device it was lost from."""


@dataclass(frozen=True)
class SourceLost(Event):
    """A device stopped delivering; it is tried again until it comes back."""

    type: ClassVar[str] = "source-lost"

    time: float
    """Position in the stream, seconds."""
    reason: str
    """What the device or driver said."""
    source: str = ""
    """The device."""


@dataclass(frozen=True)
class SourceRestored(Event):
    """A lost device delivers again."""

    type: ClassVar[str] = "source-restored"

    time: float
    """Position in the stream, seconds."""
    source: str = ""
    """The device."""


EVENT_TYPES: dict[str, type[Event]] = {
    event.type: event for event in (Detection, Gap, SourceLost, SourceRestored)
}


def from_json(line: str) -> Event:
    """Inverse of `Event.to_json`; raises ValueError for a line that is not one of our events."""
    fields: Any = json.loads(line)
    kind = fields.pop("type", None) if isinstance(fields, dict) else None
    if not isinstance(kind, str) or kind not in EVENT_TYPES:
        raise ValueError(f"unknown event type {kind!r}; known are {', '.join(EVENT_TYPES)}")
    try:
        return EVENT_TYPES[kind](**fields)
    except TypeError as error:
        raise ValueError(f"not a {kind} event ({error})") from error


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value
