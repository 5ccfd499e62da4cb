"""A trial as one HTML file: figures, curves, and the worst misses and false alarms to listen to."""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from html import escape

import numpy as np
import numpy.typing as npt

from kws.evaluation.as_run import AsRun
from kws.evaluation.det import Det, OperatingPoint, operating_point
from kws.evaluation.plot import RATES, Axis, bar_plot, line_plot, shares
from kws.evaluation.trial import CLEAN, FalseAlarm, Trial
from kws.scoring import ScoreTrack
from kws.sources.whole import read_excerpt
from kws.types import SAMPLE_RATE, Samples

PER_HOUR = (0.1, 0.5, 1.0, 2.0)
"""False alarms per hour at which misses are reported."""
WORST = 10
"""Misses and false alarms that can be listened to."""

_BINS = 25
_BEFORE, _AFTER = 2.0, 0.5
"""Seconds around a false alarm."""
_LONGEST_SECONDS = 4.0
_STYLE = (
    "body{font:15px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:.2em .6em;text-align:left}"
    "audio{height:2em;vertical-align:middle}svg{max-width:100%}"
)


def trial_page(title: str, trial: Trial, threshold: float, both: AsRun | None = None) -> str:
    """The whole page; it needs no other file and no network.

    Args:
        title: what was tried.
        trial: the tracks.
        threshold: at which misses and false alarms are listed.
        both: what the word and its second stage made of the same, where it has one.
    """
    curves = {name: trial.det(name) for name in trial.words}
    sections = [
        *tables(curves, threshold),
        *(_as_run(both) if both else ()),
        *trade_off(f"{len(trial.paths)} words, {trial.talk.layout.hours:.2f} h without the word", curves),
        *histogram(trial.words[CLEAN].best, trial.talk.track),
        *listen(f"Missed at {threshold:g}", _missed(trial, threshold)),
        *listen(f"False alarms at {threshold:g}", _alarms(trial.false_alarms(threshold))),
    ]
    return page(title, sections)


def page(title: str, sections: Sequence[str]) -> str:
    """A page that stands by itself."""
    head = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
    body = "\n".join([f"<h1>{escape(title)}</h1>", *sections])
    return f"{head}<style>{_STYLE}</style>\n{body}</html>\n"


def points(det: Det, threshold: float) -> dict[str, OperatingPoint]:
    """The rows of the table: the threshold in use, then the lowest that keeps to each rate."""
    chosen = {f"at most {rate:g} per hour": operating_point(det, rate) for rate in PER_HOUR}
    return {f"threshold {threshold:g}": at(det, threshold), **chosen}


def at(det: Det, threshold: float) -> OperatingPoint:
    """What this threshold does; the curve's own thresholds are those at which anything changes."""
    reaching = np.flatnonzero(det.thresholds >= threshold)
    return replace(det[int(reaching[-1])] if len(reaching) else det[0], threshold=threshold)


def tables(curves: Mapping[str, Det], threshold: float) -> Iterator[str]:
    """Of each condition of the words: misses and false alarms at the threshold in use, and at some rates."""
    yield "<p>Intervals are at 95 %: Clopper-Pearson for misses, exact Poisson for false alarms.</p>"
    for name, det in curves.items():
        yield f"<h2>Words {escape(name)}</h2><table><tr><th><th>threshold<th>missed<th>false alarms per hour"
        for title, point in points(det, threshold).items():
            cells = (title, f"{point.threshold:.4f}", str(point.misses), str(point.false_alarms))
            yield "<tr>" + "".join(f"<td>{escape(cell)}" for cell in cells)
        yield "</table>"


def _as_run(both: AsRun) -> Iterator[str]:
    yield f"<h2>{escape(both.title.capitalize())}</h2><table><tr><th><th>missed<th>false alarms per hour"
    for name in both.words:
        cells = (f"words {name}", str(both.misses(name)), str(both.false_alarms))
        yield "<tr>" + "".join(f"<td>{escape(cell)}" for cell in cells)
    yield "</table>"
    for name in both.words:
        if missed := both.missed(name):
            yield f"<p>Missed {escape(name)}: {escape(', '.join(path.name for path in missed))}</p>"


def trade_off(title: str, curves: Mapping[str, Det]) -> Iterator[str]:
    """Misses over false alarms, a line for each condition of the words."""
    lines = {name: _corners(det) for name, det in curves.items()}
    yield "<h2>Misses against false alarms</h2>"
    yield line_plot(title, RATES, shares(_top(curves.values())), lines)


def _corners(det: Det) -> list[tuple[float, float]]:
    """The curve as a staircase: a rate between two counts is held by the lower count."""
    corners: list[tuple[float, float]] = []
    for index in range(len(det)):
        point = det[index]
        if corners:
            corners.append((point.false_alarms.per_hour, corners[-1][1]))
        corners.append((point.false_alarms.per_hour, point.misses.value))
    *_, last = RATES.ticks
    return [*corners, (last, corners[-1][1])]


def _top(curves: Iterable[Det]) -> float:
    """A round share above all misses at one false alarm an hour."""
    highest = max(operating_point(det, 1.0).misses.value for det in curves)
    return next(share for share in (0.05, 0.1, 0.2, 0.5, 1.0) if share >= min(1.0, 1.5 * highest))


def histogram(best: npt.NDArray[np.float32], talk: ScoreTrack) -> Iterator[str]:
    """Best score of each word, and the highest score in each second of the talk."""
    second = talk.time.astype(int)
    peaks = np.zeros(int(second.max(initial=0)) + 1, np.float32)
    np.maximum.at(peaks, second, talk.score)
    bars = {"words": _bins(best), "talk, each second": _bins(peaks)}
    across = Axis("score", {fifth / 5: f"{fifth / 5:g}" for fifth in range(6)})
    up = Axis("how many", {0.0: "0", 1.0: "10", 2.0: "100", 3.0: "1 000", 4.0: "10 000", 5.0: "100 000"})
    yield "<h2>Scores</h2>"
    yield bar_plot("highest scores", across, up, bars)


def _bins(scores: npt.NDArray[np.float32]) -> list[float]:
    """Decimal logarithm of 1 + how many fall into each of the even bins."""
    counts, _ = np.histogram(np.maximum(scores, 0), _BINS, (0, 1))
    return [float(height) for height in np.log10(1 + counts)]


def _missed(trial: Trial, threshold: float) -> Iterator[tuple[str, Samples]]:
    for path, score in trial.misses(threshold):
        yield f"{path.name}, score {score:.3f}", read_excerpt(path, 0, _LONGEST_SECONDS)


def _alarms(alarms: Sequence[FalseAlarm]) -> Iterator[tuple[str, Samples]]:
    for alarm in alarms:
        samples = read_excerpt(alarm.path, alarm.time - _BEFORE, alarm.time + _AFTER)
        yield f"{alarm.path.name} at {alarm.time:.1f} s, score {alarm.score:.3f}", samples


def listen(title: str, entries: Iterable[tuple[str, Samples | None]]) -> Iterator[str]:
    """The first WORST of them as a list, each with its sound where there is one."""
    yield f"<h2>{escape(title)}</h2><ol>"
    for number, (text, samples) in enumerate(entries):
        if number == WORST:
            yield "<li>and more"
            break
        yield f"<li>{escape(text)} {'' if samples is None else _player(samples)}"
    yield "</ol>"


def _player(samples: Samples) -> str:
    return f'<audio controls src="data:audio/wav;base64,{_wav(samples)}"></audio>'


def _wav(samples: Samples) -> str:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(samples.astype("<i2").tobytes())
    return base64.b64encode(file.getvalue()).decode()
