"""Who misses which words at which false alarms, from the tracks that the engines have left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.heard_before import furthest, mark
from benchmarks.listening import PHRASES, SAME_MODELS, Setting, Task, settings_of, stream_of, tasks_of
from benchmarks.peers import FIRST_STAGE, LISTENERS, Engine
from benchmarks.streams import CLEAN, SPOKEN, saying, speech_pieces
from kws.evaluation import Proportion, best_scores, det_curve, false_alarm_times, latencies, misses
from kws.evaluation.det import operating_point
from kws.evaluation.matching import HIT_SECONDS, Occurrence
from kws.evaluation.streams import Layout
from kws.scoring import ScoreTrack

LATE_SECONDS = 1.5
"""How long after a word's end it may be reported: engines that hear in steps of 80 ms and average need it."""
PER_HOUR = 0.5
_CURVE_MAX_PER_HOUR = 20.0

Point = dict[str, Any]
"""threshold, false_alarms, hours, and by condition misses [missed, said]; the default's has latency,
seconds."""


@dataclass(frozen=True, eq=False)
class Tracks:
    """What one engine made of one phrase, or of one sensitivity of it."""

    words: Mapping[str, tuple[ScoreTrack, list[Occurrence]]]
    """By condition, as far as they were heard."""
    speech: ScoreTrack
    said: list[Occurrence]
    """Where in the speech the phrase is said."""
    hours: float
    """Of speech in which it is not said."""


def measure(before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """By phrase and engine: default, the point at PER_HOUR, the curve, and what they are made of.

    Args:
        before: what this has returned, perhaps elsewhere, of which is kept what has heard more.
    """
    known = before or {"found": {}, "same": {}}
    found = {
        phrase: {
            engine.name: measured
            for engine in LISTENERS
            if phrase in engine.words
            and (measured := _furthest(engine, phrase, known["found"].get(phrase, {}).get(engine.name)))
        }
        for phrase in PHRASES
    }
    return {
        "hours": sum(clip.seconds for piece in speech_pieces() for clip in piece) / 3600,
        "found": found,
        "same": {name: same for name in SAME_MODELS if (same := _same(name) or known["same"].get(name))},
    }


def _furthest(engine: Engine, phrase: str, before: dict[str, Any] | None) -> dict[str, Any] | None:
    made_of = mark(task.path for task in tasks_of(engine) if phrase in task.phrases)
    return furthest(_measured(engine, phrase), before, made_of)


def _measured(engine: Engine, phrase: str) -> dict[str, Any] | None:
    settings = settings_of(engine, phrase)
    if settings:
        runs = [(setting, tracks_of(engine, phrase, setting)) for setting in settings]
        heard = [(setting, tracks) for setting, tracks in runs if tracks]
        return _from_runs(heard) if heard and heard[0][0] == settings[0] else None
    tracks = tracks_of(engine, phrase)
    return _from_scores(tracks, engine.thresholds.get(phrase, default_of(engine, phrase))) if tracks else None


def default_of(engine: Engine, phrase: str) -> float | None:
    """The threshold that comes with a model of ours."""
    if engine is not FIRST_STAGE:
        return None
    from kws.bundle import find_bundle

    return find_bundle(engine.words[phrase]).threshold


def tracks_of(engine: Engine, phrase: str, setting: Setting | None = None) -> Tracks | None:
    """As far as they are there; None without any word where the phrase is ever said, and without speech where
    it never is."""
    done = [task for task in tasks_of(engine) if _is_with(task, phrase, setting) and task.path.is_file()]
    words = {task.stream.split(", ")[1]: _word_track(task) for task in done if ", " in task.stream}
    speech = [task for task in done if ", " not in task.stream]
    if not (CLEAN in words if phrase in SPOKEN else speech):
        return None
    return Tracks(words, *_joined(speech, phrase))


def _is_with(task: Task, phrase: str, setting: Setting | None) -> bool:
    if phrase not in task.phrases:
        return False
    return (task.settings[task.phrases.index(phrase)] if task.settings else None) == setting


def _word_track(task: Task) -> tuple[ScoreTrack, list[Occurrence]]:
    return _track(task, task.phrases[0]), _widened(stream_of(task.stream).layout.occurrences)


def _track(task: Task, phrase: str) -> ScoreTrack:
    heard = task.track()
    assert heard
    return ScoreTrack(heard[0], heard[1][:, task.phrases.index(phrase)])


def _widened(words: Sequence[Occurrence]) -> list[Occurrence]:
    return [Occurrence(word.start, word.end + LATE_SECONDS - HIT_SECONDS) for word in words]


def _joined(tasks: Sequence[Task], phrase: str) -> tuple[ScoreTrack, list[Occurrence], float]:
    times, scores = [np.empty(0)], [np.empty(0, np.float32)]
    said, hours, position = [], 0.0, 0.0
    for task in tasks:
        stream, track = stream_of(task.stream), _track(task, phrase)
        times.append(track.time + position)
        scores.append(track.score)
        within, without = _split(stream.layout, phrase)
        said += [Occurrence(span.start + position, span.end + position) for span in within]
        hours += without
        position += stream.seconds
    return ScoreTrack(np.concatenate(times), np.concatenate(scores)), _widened(said), hours


def _split(layout: Layout, phrase: str) -> tuple[list[Occurrence], float]:
    """Where a phrase is said, and the hours of all else. Who says "jarvis" half says "hey jarvis"."""
    says = saying("jarvis" if phrase == "hey jarvis" else phrase)
    within = [Occurrence(s.start, s.end) for s in layout.segments if s.path in says]
    return within, layout.hours - sum(span.end - span.start for span in within) / 3600


def _from_scores(tracks: Tracks, threshold: float | None) -> dict[str, Any]:
    default = None if threshold is None else point_at(tracks, threshold)
    if not tracks.hours:
        return {"default": default, "chosen": None, "curve": []}
    clean = best_scores(*tracks.words[CLEAN]) if CLEAN in tracks.words else np.empty(0, np.float32)
    det = det_curve(
        clean, tracks.speech, tracks.hours, occurrences=tracks.said, max_per_hour=_CURVE_MAX_PER_HOUR
    )
    curve = [(det[index].false_alarms.per_hour, det[index].misses.value) for index in range(len(det))]
    return {
        "default": default,
        "chosen": point_at(tracks, operating_point(det, PER_HOUR).threshold),
        "curve": corners(curve) if len(clean) else [],
    }


def _from_runs(runs: Sequence[tuple[Setting, Tracks]]) -> dict[str, Any]:
    """Of an engine that reports words instead of scores; the first run is the default."""
    points = [{**point_at(tracks, 0.5), "threshold": setting} for setting, tracks in runs]
    # Those that have heard as much as the default.
    judged = [point for point in points if point["hours"] >= points[0]["hours"] > 0]
    kept = [p for p in judged if p["false_alarms"] <= PER_HOUR * p["hours"]]
    curve = [(p["false_alarms"] / p["hours"], value) for p in judged if (value := _value(p)) is not None]
    return {
        "default": points[0],
        "chosen": min(kept, key=lambda p: (_value(p) or 0.0, p["false_alarms"])) if kept else None,
        "curve": corners(sorted(curve)),
        "runs": len(judged),
        "others": points[1:],
    }


def _value(point: Point) -> float | None:
    return Proportion(*point["misses"][CLEAN]).value if CLEAN in point["misses"] else None


def point_at(tracks: Tracks, threshold: float) -> Point:
    """Everything that one threshold does."""
    counted = {c: misses(best_scores(*track), threshold) for c, track in tracks.words.items()}
    late = latencies(*tracks.words[CLEAN], threshold) if CLEAN in tracks.words else np.empty(0)
    return {
        "threshold": threshold,
        "false_alarms": len(false_alarm_times(tracks.speech, threshold, tracks.said)),
        "hours": tracks.hours,
        "misses": {condition: [found.count, found.total] for condition, found in counted.items()},
        "latency": float(np.median(late)) + LATE_SECONDS - HIT_SECONDS if len(late) else None,
    }


def corners(curve: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A staircase: a rate between two counts is held by the lower count, and misses never rise again."""
    steps: list[tuple[float, float]] = []
    for rate, missed in curve:
        if steps and missed >= steps[-1][1]:
            continue
        if steps:
            steps.append((rate, steps[-1][1]))
        steps.append((rate, missed))
    return steps


def _same(name: str) -> dict[str, Any] | None:
    """How far two engines with the same model files are apart on one stream."""
    both = {engine.name: engine for engine in LISTENERS}
    ours, theirs = (
        next((task for task in tasks_of(both[one]) if task.stream == "alexa, alone"), None)
        for one in (name, SAME_MODELS[name])
    )
    if ours is None or theirs is None or not (ours.path.is_file() and theirs.path.is_file()):
        return None
    words = _widened(stream_of(ours.stream).layout.occurrences)
    a, b = (best_scores(_track(task, "alexa"), words) for task in (ours, theirs))
    return {
        "words": len(words),
        "other": SAME_MODELS[name],
        "farthest": float(np.abs(a - b).max()),
        "missed": [int((best < np.float32(0.5)).sum()) for best in (a, b)],
    }
