"""What can be heard, as small frozen dataclasses, to and from JSON lines.

Times are seconds of the stream: sample count divided by the rate, never a clock.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kws.detection import Detection as Detection
from kws.event import Event as Event


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


@dataclass(frozen=True)
class HeardWord:
    """One word of what was said."""

    word: str
    start: float
    """Seconds."""
    end: float
    """Seconds."""
    confidence: float
    """0 to 1: how likely the word is right."""


@dataclass(frozen=True)
class Guess:
    """One of the likeliest texts."""

    text: str
    confidence: float


class Slots(dict[str, str]):
    """Slot name -> what it holds. Not to be changed: it is compared and hashed by its content."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def _words(words: list[dict[str, Any]]) -> tuple[HeardWord, ...]:
    return tuple(HeardWord(**word) for word in words)


@dataclass(frozen=True)
class Partial(Event):
    """What has been understood so far of what is being said."""

    type: ClassVar[str] = "partial"
    nested: ClassVar[Mapping[str, Callable[[Any], Any]]] = {"words": _words}

    text: str
    """All words so far; those past the stable ones may still change."""
    confidence: float
    """0 to 1."""
    start: float
    """Of the first word, seconds."""
    end: float
    """End of the audio heard so far, seconds."""
    words: tuple[HeardWord, ...] = ()
    """The same with times."""
    stable: int = 0
    """How many words are certain: they begin every later partial and, at the end, the first of `nbest`."""
    source: str = ""
    """File or device it came from."""


@dataclass(frozen=True)
class Transcript(Event):
    """What was said, from one pause to the next."""

    type: ClassVar[str] = "transcript"
    nested: ClassVar[Mapping[str, Callable[[Any], Any]]] = {
        "words": _words,
        "nbest": lambda guesses: tuple(Guess(**guess) for guess in guesses),
        "slots": Slots,
    }

    text: str
    """The words; empty for what is not in the grammar."""
    confidence: float
    """0 to 1: how likely the text is right."""
    start: float
    """Of the first word, seconds."""
    end: float
    """Of the last word, seconds."""
    words: tuple[HeardWord, ...] = ()
    """The same with times; what was rejected has none."""
    nbest: tuple[Guess, ...] = ()
    """The likeliest texts, the best first; of what is not in the grammar, what it came nearest to."""
    in_grammar: bool | None = None
    """Whether the grammar allows what was said; None where there is no grammar."""
    intent: str | None = None
    """Of the grammar's sentence."""
    slots: Slots = field(default_factory=Slots)
    """What the sentence's slots hold, as {name: value}."""
    source: str = ""
    """File or device it came from."""


@dataclass(frozen=True)
class NoSpeech(Event):
    """A wake word was heard and nothing was said after it."""

    type: ClassVar[str] = "no-speech"

    start: float
    """Where listening began, seconds."""
    end: float
    """Where it was given up, seconds."""
    source: str = ""
    """File or device it came from."""


EVENT_TYPES: dict[str, type[Event]] = {
    event.type: event for event in (Detection, Gap, NoSpeech, Partial, SourceLost, SourceRestored, Transcript)
}


def from_json(line: str) -> Event:
    """Inverse of `Event.to_json`; raises ValueError for a line that is not one of our events."""
    fields: Any = json.loads(line)
    kind = fields.pop("type", None) if isinstance(fields, dict) else None
    if not isinstance(kind, str) or kind not in EVENT_TYPES:
        raise ValueError(f"unknown event type {kind!r}; known are {', '.join(EVENT_TYPES)}")
    try:
        return EVENT_TYPES[kind].from_fields(fields)
    except (TypeError, ValueError) as error:
        raise ValueError(f"not a {kind} event ({error})") from error
