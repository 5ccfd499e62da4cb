"""The trade-off of one model as a drawing: misses over false alarms per hour, one line per condition."""

from __future__ import annotations

from collections.abc import Iterator

from kws.evaluation.plot import RATES, line_plot, shares
from training.accuracy.dev_streams import CONDITIONS
from training.accuracy.figures import Figures

_LOWEST, *_, _HIGHEST = RATES.ticks


def det_svg(figures: Figures) -> str:
    """The drawing as text. Lines are staircases: a rate between two counts is held by the lower count."""
    title = f"{figures.model}: {figures.words} words, {figures.speech_hours:.1f} h of speech"
    lines = {name: staircase(figures, name) for name in CONDITIONS}
    return line_plot(title, RATES, shares(_top(figures)), lines)


def staircase(figures: Figures, condition: str) -> list[tuple[float, float]]:
    """Corners (false alarms per hour, share missed) from the left edge of the axes to the right."""
    first, *rest = _by_rate(figures, condition)
    corners, lowest = [(_LOWEST, first[1])], first[1]
    for rate, missed in rest:
        lowest = min(lowest, missed)
        if rate <= _LOWEST:
            corners = [(_LOWEST, lowest)]
        elif rate <= _HIGHEST and lowest < corners[-1][1]:
            corners += [(rate, corners[-1][1]), (rate, lowest)]
    return [*corners, (_HIGHEST, corners[-1][1])]


def _by_rate(figures: Figures, condition: str) -> Iterator[tuple[float, float]]:
    """Highest threshold first; a lower one never counts as having fewer false alarms than it had before."""
    most = 0.0
    for alarms, missed in zip(figures.curve["false_alarms"], figures.curve[condition], strict=True):
        most = max(most, alarms)
        yield most / figures.speech_hours, missed / figures.words


def _top(figures: Figures) -> float:
    """Upper end of the misses axis: a round share above the misses at one false alarm an hour."""
    highest = max(figures.missed_at(figures.points["1"], name).value for name in CONDITIONS)
    return next(share for share in (0.05, 0.1, 0.2, 0.5, 1.0) if share >= min(1.0, 1.5 * highest))
