"""A training as one HTML file: what to expect of the model, how it learned, what it takes for the phrase."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
import numpy.typing as npt

from kws.evaluation import Proportion
from kws.evaluation.det import Det, det_curve
from kws.evaluation.matching import false_alarm_times
from kws.evaluation.page import histogram, listen, page, tables, trade_off
from kws.evaluation.plot import Axis, Points, line_plot
from kws.scoring import ScoreTrack
from kws.types import Samples
from training.spoken_anew import NearMiss

Curves = Mapping[str, Points]
"""Name of a line -> round or epoch, and the value after it."""
FILE = "report.html"

_MAX_PER_HOUR = 20.0
_NEAR_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a model made of what it had not learned from."""

    told: str
    """What that was, one sentence or more."""
    words: Mapping[str, npt.NDArray[np.float32]]
    """Highest score of each word, by condition; the first is drawn as a histogram."""
    spoken: Sequence[Samples]
    """The words of the last condition but those in noise, to be listened to."""
    scores: npt.NDArray[np.float32]
    """Of `spoken`."""
    speech: ScoreTrack | None
    """Without the word; None where nothing was held out."""
    hours: float
    sources: Sequence[str] = ()
    """What was said there, or the recording's name."""
    source_at: npt.NDArray[np.int32] = field(default_factory=lambda: np.empty(0, np.int32))
    """Of each step of `speech` the place in `sources`, -1 for none."""


def training_page(
    phrase: str, evidence: Evidence, threshold: float, near: Sequence[NearMiss], course: Mapping[str, Curves]
) -> str:
    """The whole page; it needs no other file and no network.

    Args:
        phrase: as it is spelled.
        evidence: what is known of misses and false alarms.
        threshold: the model's.
        near: what sounds like the phrase.
        course: title of a drawing -> its lines.
    """
    sections = [
        f"<p>{escape(evidence.told)} People may be missed more often: measure the model on recordings of "
        "them with <code>kws eval</code>. A second stage, where the model has one, refuses more of what is "
        "no wake word; here the model stands alone.</p>",
        *_measured(evidence, threshold),
        *_near(near, threshold),
        *_course(course),
        *listen(f"Missed at {threshold:g}", _missed(evidence, threshold)),
        *_alarms(evidence, threshold),
    ]
    return page(f"Training of {phrase!r}", sections)


def _measured(evidence: Evidence, threshold: float) -> Iterator[str]:
    if evidence.speech is None:
        yield "<p>No speech was held out, so false alarms are not known.</p>"
        return
    curves = {name: _det(evidence, best) for name, best in evidence.words.items() if len(best)}
    if not curves:
        return
    yield from tables(curves, threshold)
    counts = ", ".join(f"{det.occurrences} {name}" for name, det in curves.items())
    yield from trade_off(f"{counts}; {evidence.hours:.1f} h of speech", curves)
    yield from histogram(evidence.words[next(iter(curves))], evidence.speech)


def _det(evidence: Evidence, best: npt.NDArray[np.float32]) -> Det:
    assert evidence.speech
    return det_curve(best, evidence.speech, evidence.hours, max_per_hour=_MAX_PER_HOUR)


def _near(near: Sequence[NearMiss], threshold: float) -> Iterator[str]:
    yield "<h2>Near misses</h2>"
    if not near:
        yield "<p>No words are known that sound like it.</p>"
        return
    yield "<p>Synthetic voices say what sounds like the phrase; taken for it at the threshold:</p><table>"
    for title, learned in (("learned to refuse, from other voices", True), ("never learned", False)):
        of_these = [one.taken(threshold) for one in near if one.learned == learned]
        rate = Proportion(sum(one.count for one in of_these), sum(one.total for one in of_these))
        if rate.total:
            yield f"<tr><td>{len(of_these)} phrases {title}<td>{escape(str(rate))}"
    yield "</table><p><table><tr><th>phrase<th>taken for it<th>highest score<th>learned to refuse"
    for one in sorted(near, key=lambda one: -float(one.scores.max())):
        taken = one.taken(threshold)
        cells = (one.text, f"{taken.count} of {taken.total}", f"{one.scores.max():.3f}")
        yield "<tr>" + "".join(f"<td>{escape(cell)}" for cell in (*cells, "yes" if one.learned else "no"))
    yield "</table>"


def _course(course: Mapping[str, Curves]) -> Iterator[str]:
    drawn = {title: {k: v for k, v in curves.items() if len(v)} for title, curves in course.items()}
    if any(drawn.values()):
        yield "<h2>How it learned</h2>"
    for title, curves in drawn.items():
        if curves:
            yield line_plot(title, _rounds(curves), _values(title, curves), curves)


def _rounds(curves: Curves) -> Axis:
    last = max(2, *(round(number) for points in curves.values() for number, _ in points))
    apart = -(-last // 8)
    ticks = [n for n in range(1, last + 1) if n == 1 or n == last or (n % apart == 0 and last - n >= apart)]
    return Axis("round", {float(n): str(n) for n in ticks})


def _values(title: str, curves: Curves) -> Axis:
    """From 0 to a round number above all values."""
    highest = max(value for points in curves.values() for _, value in points)
    steps = (m * 10.0**e for e in range(-4, 7) for m in (1, 2, 5))
    top = next((step for step in steps if step >= highest), highest)
    return Axis(title, {top * fifth / 5: f"{top * fifth / 5:g}" for fifth in range(6)})


def _missed(evidence: Evidence, threshold: float) -> Iterator[tuple[str, Samples]]:
    for place in np.argsort(evidence.scores, kind="stable"):
        if evidence.scores[place] < np.float32(threshold):
            yield f"synthetic voice, score {evidence.scores[place]:.3f}", evidence.spoken[place]


def _alarms(evidence: Evidence, threshold: float) -> Iterator[str]:
    if evidence.speech is None:
        return
    times = false_alarm_times(evidence.speech, threshold)
    found = sorted((_alarm(evidence, evidence.speech, time) for time in times), reverse=True)
    entries = [(f"{source}, score {score:.3f}", None) for score, source in found]
    yield from listen(f"{len(found)} false alarms at {threshold:g}", entries)


def _alarm(evidence: Evidence, speech: ScoreTrack, time: float) -> tuple[float, str]:
    """Its score, and what was being said."""
    first, last = np.searchsorted(speech.time, [time, time + _NEAR_SECONDS])
    score = float(speech.score[first:last].max(initial=0))
    source = int(evidence.source_at[first]) if first < len(evidence.source_at) else -1
    return score, evidence.sources[source] if source >= 0 else f"at {time:.1f} s"
