"""The terminal view of a daemon: what its live stream says -> lines of text. No I/O."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

EVENTS_SHOWN = 12
SHADES = " ▁▂▃▄▅▆▇█"
QUIETEST_DB = -80.0
NAME_COLUMNS = 16
LEAST_COLUMNS = 40


@dataclass
class View:
    """What is to be seen now."""

    names: Sequence[str]
    """Labels of the wake words, in the order of their scores."""
    thresholds: Sequence[float]
    level: float = QUIETEST_DB
    tracks: list[deque[float]] = field(default_factory=list)
    """The highest score of each block, of each label."""
    events: deque[str] = field(default_factory=lambda: deque(maxlen=EVENTS_SHOWN))
    transcript: str = ""

    def __post_init__(self) -> None:
        self.tracks = [deque(maxlen=400) for _ in self.names]

    def listen_for(self, names: Sequence[str], thresholds: Sequence[float]) -> None:
        """Other models are at work, or the same with other thresholds."""
        if list(names) != list(self.names):
            self.tracks = [deque(maxlen=400) for _ in names]
        self.names, self.thresholds = names, thresholds

    def take(self, kind: str, data: Mapping[str, Any], now: datetime) -> None:
        """One message of the stream."""
        if kind == "audio":
            self._hear(data)
        elif kind == "event":
            self._note(data, now)

    def lines(self, columns: int) -> list[str]:
        """The whole view, each line no longer than that."""
        width = max(columns, LEAST_COLUMNS) - NAME_COLUMNS - 8
        loudness = 1 - self.level / QUIETEST_DB
        rows = [
            _row("level", "█" * round(width * min(1.0, max(0.0, loudness))), width, f"{self.level:.0f} dB")
        ]
        for name, threshold, track in zip(self.names, self.thresholds, self.tracks, strict=True):
            rows.append(_row(name, _curve(track, width), width, f"of {threshold:.2f}"))
        return [line[:columns] for line in [*rows, "", f"“{self.transcript}”", "", *self.events]]

    def _hear(self, data: Mapping[str, Any]) -> None:
        self.level = float(data["level"])
        by_label = [list(label) for steps in data["scores"] for label in zip(*steps, strict=True)]
        for track, scores in zip(self.tracks, by_label, strict=False):
            track.append(max(scores))

    def _note(self, data: Mapping[str, Any], now: datetime) -> None:
        if data["type"] in ("partial", "transcript"):
            self.transcript = data["text"]
        if data["type"] != "partial":
            self.events.appendleft(f"{now:%H:%M:%S}  {described(data)}")


def messages(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and content of each server-sent event; comments and what is no JSON object are passed over."""
    kind = ""
    for line in lines:
        name, _, value = line.rstrip("\n").partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            content = _object(value)
            if content is not None:
                yield kind, content


def described(event: Mapping[str, Any]) -> str:
    """One event in a few words."""
    kind = event["type"]
    if kind == "detection":
        return f"{event['name']}  {event['score']:.2f} of {event['threshold']:.2f}"
    if kind == "transcript":
        return f"“{event['text']}”  {event['confidence']:.2f}"
    if kind == "gap":
        return f"{event['end'] - event['start']:.2f} s lost: {event['reason']}"
    return f"{kind}  {event.get('reason', '')}".rstrip()


def _row(name: str, bar: str, width: int, value: str) -> str:
    return f"{name[:NAME_COLUMNS]:{NAME_COLUMNS}}{bar:{width}} {value}"


def _curve(track: Sequence[float], width: int) -> str:
    top = len(SHADES) - 1
    return "".join(SHADES[min(top, max(0, round(score * top)))] for score in list(track)[-width:])


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
