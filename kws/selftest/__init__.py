"""Does this installation hear what it should? Recordings, what is said in them, and what must be heard.

Each recording NAME.flac stands beside NAME.words.jsonl (the wake words in it, with start and end, known from
its making) and NAME.events.jsonl (what the bundled models hear, written by `kws selftest --write`).
scripts/make_recordings.py makes the first two by text-to-speech.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kws.daemon import listen
from kws.engine import Engine
from kws.errors import KwsError
from kws.events import Detection, from_json
from kws.processor import is_x86_64
from kws.runtimes import LITERT
from kws.sinks.memory import Collector
from kws.sources import open_source

RECORDINGS = Path(__file__).parent
"""Where the bundled recordings lie."""


@dataclass(frozen=True)
class Word:
    """A wake word in a recording."""

    name: str
    start: float
    """Seconds."""
    end: float
    """Seconds."""


@dataclass(frozen=True)
class Recording:
    """An audio file with what is known about it in files beside it."""

    audio: Path

    @property
    def words(self) -> list[Word]:
        """The wake words that are said; raises KwsError if that is not written down."""
        return [Word(**json.loads(line)) for line in _lines(self.audio.with_suffix(".words.jsonl"))]

    @property
    def events_path(self) -> Path:
        """The file of expected events."""
        return self.audio.with_suffix(".events.jsonl")

    @property
    def expected(self) -> list[Detection]:
        """What must be heard; raises KwsError if that is not written down."""
        return _detections([from_json(line) for line in _lines(self.events_path)])


def bundled_recordings() -> list[Recording]:
    """The recordings that come with the package, sorted by name."""
    return recordings_in(RECORDINGS)


def recordings_in(folder: Path) -> list[Recording]:
    """The recordings in a folder, FLAC or WAV, sorted by name."""
    return [Recording(path) for path in sorted(folder.glob("*")) if path.suffix in (".flac", ".wav")]


def replay(recording: Recording, engine: Engine) -> list[Detection]:
    """What the engine hears in it, as a stream of its own, by the loop that the daemon runs."""
    heard = Collector()
    listen(open_source(recording.audio), engine, [heard])
    return _detections(heard.events)


@dataclass(frozen=True)
class Tolerance:
    """What may differ without being called a difference."""

    seconds: float = 0.0
    """By which a detection may be earlier or later."""
    score: float = 0.0
    """Of its threshold; a detection so near to it may be missing or too many."""


EXACT = Tolerance()
OTHER_KERNELS = Tolerance(seconds=0.1, score=0.02)
"""What kernels' rounding leaves, the third tier of the numeric contract in docs/architecture.md."""


def tolerance_here(engine: str) -> Tolerance:
    """What this engine may hear otherwise on this processor."""
    return EXACT if engine == LITERT and is_x86_64() else OTHER_KERNELS


def differences(
    expected: Sequence[Detection], heard: Sequence[Detection], tolerance: Tolerance = EXACT
) -> list[str]:
    """One sentence for each detection that is missing or too many, none if names and steps agree.

    Scores may differ by what processors' rounding leaves; `largest_score_difference` reports that.
    """
    missing, surplus = _alone(expected, heard, tolerance), _alone(heard, expected, tolerance)
    return [f"{name} at {end} s was not heard" for name, end in missing] + [
        f"{name} at {end} s was heard and is not expected" for name, end in surplus
    ]


def tolerated(expected: Sequence[Detection], heard: Sequence[Detection], tolerance: Tolerance) -> list[str]:
    """One sentence for each detection that only the tolerance lets pass, none where that is EXACT."""
    missing, surplus = _excused(expected, heard, tolerance), _excused(heard, expected, tolerance)
    said = []
    for one in missing:
        shift = _apart(one, heard)
        what = f"heard {shift:.2f} s apart" if shift <= tolerance.seconds else f"not heard, {_score(one)}"
        said.append(f"{one.name} at {round(one.end, 3)} s {what}")
    return said + [
        f"{one.name} at {round(one.end, 3)} s heard besides, {_score(one)}"
        for one in surplus
        if _apart(one, expected) > tolerance.seconds
    ]


def _excused(ones: Sequence[Detection], others: Sequence[Detection], tolerance: Tolerance) -> list[Detection]:
    """Those of the first that would be alone were it not for the tolerance, by time."""
    excused = set(_alone(ones, others, EXACT)) - set(_alone(ones, others, tolerance))
    return sorted((one for one in ones if _identity(one) in excused), key=lambda one: one.end)


def _apart(one: Detection, others: Sequence[Detection]) -> float:
    """Seconds to the nearest detection of the same name."""
    return min((round(abs(o.end - one.end), 3) for o in others if o.name == one.name), default=math.inf)


def _score(one: Detection) -> str:
    return f"score {one.score:.4f} at a threshold of {one.threshold:.4f}"


def _alone(
    ones: Sequence[Detection], others: Sequence[Detection], tolerance: Tolerance
) -> list[tuple[str, float]]:
    """Those of the first that have none like them among the second, by time."""
    known = [_identity(detection) for detection in others]
    return sorted(
        {
            _identity(one)
            for one in ones
            if one.score - one.threshold >= tolerance.score
            and not any(_is_same(_identity(one), other, tolerance.seconds) for other in known)
        },
        key=_time,
    )


def _is_same(one: tuple[str, float], other: tuple[str, float], seconds: float) -> bool:
    return one[0] == other[0] and round(abs(one[1] - other[1]), 3) <= seconds


def largest_score_difference(expected: Sequence[Detection], heard: Sequence[Detection]) -> float:
    """Over the detections that both have; 0 if there are none."""
    scores = {_identity(d): d.score for d in expected}
    return max((abs(scores[_identity(d)] - d.score) for d in heard if _identity(d) in scores), default=0.0)


def write_expected(recording: Recording, heard: Sequence[Detection]) -> None:
    """Make what was heard the expectation."""
    recording.events_path.write_text("".join(event.to_json() + "\n" for event in heard), encoding="utf-8")


def _identity(detection: Detection) -> tuple[str, float]:
    return detection.name, round(detection.end, 3)


def _time(identity: tuple[str, float]) -> float:
    return identity[1]


def _detections(events: Sequence[object]) -> list[Detection]:
    return [event for event in events if isinstance(event, Detection)]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise KwsError(
            f"{path}: cannot be read ({error.strerror}); make it with kws selftest --write"
        ) from error
