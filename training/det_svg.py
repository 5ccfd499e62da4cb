"""The trade-off of one model as a drawing: misses over false alarms per hour, one line per condition."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from training.dev_streams import CONDITIONS
from training.figures import Figures

_WIDTH, _HEIGHT = 560, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 490, 34, 290
"""Edges of the axes, pixels."""

_RATES = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
_COLOURS = ("#1b6ca8", "#7d5ba6", "#2a9d5c", "#d98a1f", "#c0392b")


def det_svg(figures: Figures) -> str:
    """The drawing as text. Lines are staircases: a rate between two counts is held by the lower count."""
    top = _top(figures)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_LEFT, 20, f"{figures.model}: {figures.words} words, {figures.speech_hours:.1f} h of speech"),
        *_axes(top),
    ]
    labels = _spread([_y(staircase(figures, name)[-1][1], top) for name in CONDITIONS])
    for name, colour, label in zip(CONDITIONS, _COLOURS, labels, strict=True):
        corners = staircase(figures, name)
        points = " ".join(f"{_x(rate):.1f},{_y(missed, top):.1f}" for rate, missed in corners)
        lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines.append(_text(_RIGHT + 6, label + 4, name, colour=colour))
    return "\n".join([*lines, "</svg>"]) + "\n"


def staircase(figures: Figures, condition: str) -> list[tuple[float, float]]:
    """Corners (false alarms per hour, share missed) from the left edge of the axes to the right."""
    first, *rest = _by_rate(figures, condition)
    corners, lowest = [(_RATES[0], first[1])], first[1]
    for rate, missed in rest:
        lowest = min(lowest, missed)
        if rate <= _RATES[0]:
            corners = [(_RATES[0], lowest)]
        elif rate <= _RATES[-1] and lowest < corners[-1][1]:
            corners += [(rate, corners[-1][1]), (rate, lowest)]
    return [*corners, (_RATES[-1], corners[-1][1])]


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


def _axes(top: float) -> Iterator[str]:
    for rate in _RATES:
        yield _line(_x(rate), _TOP, _x(rate), _BOTTOM)
        yield _text(_x(rate), _BOTTOM + 16, f"{rate:g}", anchor="middle")
    for fifth in range(6):
        share = top * fifth / 5
        yield _line(_LEFT, _y(share, top), _RIGHT, _y(share, top))
        yield _text(_LEFT - 6, _y(share, top) + 4, f"{100 * share:g} %", anchor="end")
    yield _text((_LEFT + _RIGHT) / 2, _BOTTOM + 36, "false alarms per hour of speech", anchor="middle")
    yield (
        f'<text x="16" y="{(_TOP + _BOTTOM) / 2}" text-anchor="middle" '
        f'transform="rotate(-90 16 {(_TOP + _BOTTOM) / 2})">words missed</text>'
    )


def _spread(heights: Sequence[float]) -> list[float]:
    """Label heights moved apart to at least 14 pixels, in their order from the top."""
    placed: dict[int, float] = {}
    last = -math.inf
    for index in sorted(range(len(heights)), key=lambda i: (heights[i], -i)):
        last = max(heights[index], last + 14)
        placed[index] = last
    return [placed[index] for index in range(len(heights))]


def _x(rate: float) -> float:
    span = math.log(_RATES[-1] / _RATES[0])
    return _LEFT + (_RIGHT - _LEFT) * math.log(max(rate, _RATES[0]) / _RATES[0]) / span


def _y(share: float, top: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * min(share, top) / top


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#222") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'
