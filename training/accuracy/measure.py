"""Score tracks on the dev streams -> the figures of one model."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kws.evaluation import (
    CalibrationRow,
    Det,
    best_scores,
    calibrate,
    det_curve,
    false_alarm_times,
    latencies,
    misses,
    operating_point,
)
from kws.evaluation.calibration import calibration_thresholds
from kws.evaluation.streams import Layout, Segment
from kws.scoring import ScoreTrack
from training.accuracy.dev_recordings import group_of
from training.accuracy.dev_streams import CLEAN, NOISY
from training.accuracy.figures import CorpusCount, Events, Figures, Point

RATES = (0.25, 0.5, 1.0, 2.0)
"""False alarms per hour of speech at which misses are reported."""

_CURVE_MAX_PER_HOUR = 20.0


@dataclass(frozen=True, eq=False)
class Scored:
    """One stream as a model heard it."""

    track: ScoreTrack
    layout: Layout


@dataclass(frozen=True, eq=False)
class DevTracks:
    """All streams of a word as a model heard them."""

    words: Mapping[str, Scored]
    """By condition, see dev_streams.CONDITIONS."""
    speech: Scored
    noise: Scored


def measure(
    tracks: DevTracks,
    threshold: float,
    *,
    model: str,
    word: str,
    arithmetic: str = "int8",
    file: Path | None = None,
    events: Events | None = None,
) -> Figures:
    """The figures of a model from its tracks.

    Args:
        tracks: from its int8 or its float form.
        threshold: its default.
        model: name of the bundle.
        word: the wake word as it is labelled.
        arithmetic: int8 or float32.
        file: the .tflite, where there is one.
        events: what its detector made of the same streams at that threshold, where it was run.
    """
    curve = speech_curve(tracks)
    default = _point(tracks, threshold)
    alarms = _alarming(tracks.speech, threshold) + _alarming(tracks.noise, threshold)
    return Figures(
        model=model,
        word=word,
        arithmetic=arithmetic,
        bytes=file.stat().st_size if file else 0,
        sha256=_sha256(file),
        words=curve.occurrences,
        speech_hours=round(tracks.speech.layout.hours, 4),
        noise_hours=round(tracks.noise.layout.hours, 4),
        default=default,
        points={f"{rate:g}": _point(tracks, operating_point(curve, rate).threshold) for rate in RATES},
        corpora=_by_corpus([*tracks.speech.layout.segments, *tracks.noise.layout.segments], alarms),
        curve=_thinned(tracks, curve),
        events=events,
        missed=_missed(tracks.words[CLEAN], threshold),
        alarming=tuple(segment.path for segment in alarms),
    )


def speech_curve(tracks: DevTracks) -> Det:
    """Misses of the clean words against false alarms on speech."""
    return det_curve(
        _best(tracks.words[CLEAN]),
        tracks.speech.track,
        tracks.speech.layout.hours,
        max_per_hour=_CURVE_MAX_PER_HOUR,
    )


def calibration(tracks: DevTracks) -> list[CalibrationRow]:
    """The table for the bundle, from the words clean and at 10 dB and the speech."""
    return calibrate(
        calibration_thresholds(speech_curve(tracks)),
        _best(tracks.words[CLEAN]),
        _best(tracks.words[NOISY]),
        tracks.speech.track,
        tracks.speech.layout.hours,
    )


def _point(tracks: DevTracks, threshold: float) -> Point:
    clean = tracks.words[CLEAN]
    late = latencies(clean.track, clean.layout.occurrences, threshold)
    return Point(
        threshold=threshold,
        misses={name: misses(_best(scored), threshold).count for name, scored in tracks.words.items()},
        false_alarms=len(false_alarm_times(tracks.speech.track, threshold)),
        false_alarms_in_noise=len(false_alarm_times(tracks.noise.track, threshold)),
        latency=tuple(np.percentile(late, [50, 95]).round(3).tolist()) if len(late) else None,
    )


def _best(scored: Scored) -> np.ndarray:
    return best_scores(scored.track, scored.layout.occurrences)


def _alarming(scored: Scored, threshold: float) -> list[Segment]:
    return [scored.layout.segment_at(time) for time in false_alarm_times(scored.track, threshold)]


def _missed(scored: Scored, threshold: float) -> tuple[str, ...]:
    holding = [segment for segment in scored.layout.segments if segment.word]
    return tuple(
        segment.path
        for segment, best in zip(holding, _best(scored), strict=True)
        if best < np.float32(threshold)
    )


def _by_corpus(segments: Iterable[Segment], alarms: Sequence[Segment]) -> tuple[CorpusCount, ...]:
    seconds: Counter[tuple[str, str]] = Counter()
    for segment in segments:
        seconds[_corpus(segment)] += segment.end - segment.start  # type: ignore[assignment]
    counts = Counter(map(_corpus, alarms))
    return tuple(
        CorpusCount(corpus, group, round(seconds[group, corpus] / 3600, 4), counts[group, corpus])
        for group, corpus in sorted(seconds)
    )


def _corpus(segment: Segment) -> tuple[str, str]:
    return group_of(segment.corpus, segment.kind), segment.corpus


def _thinned(tracks: DevTracks, curve: Det) -> dict[str, list[float]]:
    """The points of the curve at which some count changes."""
    columns = {"false_alarms": curve.false_alarms}
    columns |= {name: curve.against(_best(scored)).misses for name, scored in tracks.words.items()}
    counts = np.stack(list(columns.values()))
    kept = np.concatenate([[True], np.any(np.diff(counts, axis=1) != 0, axis=0)])
    return {"threshold": curve.thresholds[kept].tolist()} | {k: v[kept].tolist() for k, v in columns.items()}


def _sha256(file: Path | None) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file else ""
