"""The figures of one model, as small JSON: everything that a report says about it.

Counts, hours and thresholds only; rates and intervals follow from them (kws.evaluation).
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kws.evaluation import Proportion, Rate


@dataclass(frozen=True)
class Point:
    """What one threshold does."""

    threshold: float
    misses: dict[str, int]
    """By condition, of `Figures.words`."""
    false_alarms: int
    """In `Figures.speech_hours`."""
    false_alarms_in_noise: int
    """In `Figures.noise_hours`, recordings without speech."""
    latency: tuple[float, float] | None
    """Median and 95th percentile of seconds from the word's end to the first step at the threshold, clean."""


@dataclass(frozen=True)
class Events:
    """What the detector's events come to at the default threshold, refractory time and all."""

    misses: int
    """Clean."""
    false_alarms: int
    """In `Figures.speech_hours`."""


@dataclass(frozen=True)
class CorpusCount:
    """False alarms of one corpus at the default threshold."""

    corpus: str
    group: str
    hours: float
    false_alarms: int


@dataclass(frozen=True)
class VoiceCount:
    """Words of one speaker, as recorded, at the default threshold."""

    speaker: str
    """As the table of recordings names it, which may be a guess."""
    words: int
    misses: int


@dataclass(frozen=True)
class Figures:
    """Everything measured about one model."""

    model: str
    word: str
    arithmetic: str
    """int8 or float32."""
    bytes: int
    """Size of the model file, 0 where there is none."""
    sha256: str
    """Of that file; empty where there is none."""
    words: int
    """Occurrences in each condition."""
    speech_hours: float
    noise_hours: float
    default: Point
    """At the model's own threshold."""
    points: dict[str, Point]
    """By false alarms per hour allowed: "0.25", "0.5", ..."""
    corpora: tuple[CorpusCount, ...]
    curve: dict[str, list[float]]
    """The trade-off: `threshold`, `false_alarms`, and misses under each condition's name."""
    events: Events | None = None
    missed: tuple[str, ...] = ()
    """Files of the words missed at the default threshold, clean."""
    alarming: tuple[str, ...] = ()
    """Files in which the false alarms were heard, one entry each."""
    voices: tuple[VoiceCount, ...] = ()
    """Who said the words, most words first."""
    measured: dict[str, str] = field(default_factory=dict)
    """Command and date."""

    def rate(self, point: Point) -> Rate:
        """False alarms on speech."""
        return Rate(point.false_alarms, self.speech_hours)

    def missed_at(self, point: Point, condition: str) -> Proportion:
        """Misses in one condition."""
        return Proportion(point.misses[condition], self.words)


def write_figures(path: Path, figures: Figures) -> None:
    """One line of JSON per field, so that changes can be read."""
    lines = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in dataclasses.asdict(figures).items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def read_figures(path: Path) -> Figures:
    """Inverse of `write_figures`."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    stored["default"] = _read_point(stored["default"])
    stored["points"] = {rate: _read_point(point) for rate, point in stored["points"].items()}
    stored["events"] = stored["events"] and Events(**stored["events"])
    stored["voices"] = tuple(VoiceCount(**count) for count in stored.get("voices", ()))
    stored["corpora"] = tuple(CorpusCount(**count) for count in stored["corpora"])
    return Figures(**{**stored, "missed": tuple(stored["missed"]), "alarming": tuple(stored["alarming"])})


def _read_point(fields: dict[str, Any]) -> Point:
    latency = fields["latency"]
    return Point(**{**fields, "latency": tuple(latency) if latency else None})
