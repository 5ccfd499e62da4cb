"""Line plots and histograms as SVG text; nothing is fetched from anywhere to show them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

Points = Sequence[tuple[float, float]]

COLOURS = ("#1b6ca8", "#c0392b", "#2a9d5c", "#d98a1f", "#7d5ba6", "#555555", "#b5477a", "#2b8c96")

_WIDTH, _HEIGHT = 560, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 450, 34, 290
"""Edges of the axes, pixels."""
_LETTER = 7
"""Pixels of a letter, seldom more."""


@dataclass(frozen=True)
class Axis:
    """One axis: its ends, where its lines are and what stands at them."""

    title: str
    ticks: Mapping[float, str]
    """Ascending; the first and the last are the ends."""
    logarithmic: bool = False

    def share(self, value: float) -> float:
        """Where a value lies, 0 at the first tick to 1 at the last; what lies beyond is put there."""
        first, *_, last = self.ticks
        value = min(max(value, first), last)
        if self.logarithmic:
            return math.log(value / first) / math.log(last / first)
        return (value - first) / (last - first)


_PER_HOUR = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20)
RATES = Axis("false alarms per hour", {rate: f"{rate:g}" for rate in _PER_HOUR}, logarithmic=True)
"""The axis across every plot of misses."""


def shares(top: float) -> Axis:
    """Words missed, from 0 to `top`."""
    return Axis("words missed", {top * fifth / 5: f"{100 * top * fifth / 5:g} %" for fifth in range(6)})


@dataclass(frozen=True)
class Cross:
    """A point of a line, with how far it may be off along either axis."""

    x: float
    y: float
    across: tuple[float, float]
    up: tuple[float, float]


_NO_CROSSES: Mapping[str, Cross] = MappingProxyType({})


def line_plot(
    title: str,
    across: Axis,
    up: Axis,
    lines: Mapping[str, Points],
    crosses: Mapping[str, Cross] = _NO_CROSSES,
) -> str:
    """The drawing; each line is (x, y) in its axes' own numbers, and may have a cross."""
    body = [_text(_LEFT, 20, title), *_axes(across, up)]
    for index, (name, points) in enumerate(lines.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = " ".join(f"{_x(across, x):.1f},{_y(up, y):.1f}" for x, y in points)
        body.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        body.append(_text(_RIGHT + 8, _TOP + 14 + 18 * index, name, colour=colour))
        if name in crosses:
            body += _cross(across, up, crosses[name], colour)
    return _svg(body, lines)


def _cross(across: Axis, up: Axis, cross: Cross, colour: str) -> Iterator[str]:
    x, y = _x(across, cross.x), _y(up, cross.y)
    left, right = (_x(across, end) for end in cross.across)
    low, high = (_y(up, end) for end in cross.up)
    yield f'<path d="M{left:.1f} {y:.1f}H{right:.1f}M{x:.1f} {low:.1f}V{high:.1f}" stroke="{colour}"/>'


def bar_plot(title: str, across: Axis, up: Axis, groups: Mapping[str, Sequence[float]]) -> str:
    """Histograms over the same bins, from one end of the axis to the other, laid over each other."""
    body = [_text(_LEFT, 20, title), *_axes(across, up)]
    for index, (name, heights) in enumerate(groups.items()):
        colour, width = COLOURS[index % len(COLOURS)], (_RIGHT - _LEFT) / len(heights)
        for place, height in enumerate(heights):
            top = _y(up, height)
            body.append(
                f'<rect x="{_LEFT + place * width:.1f}" y="{top:.1f}" width="{width:.1f}" '
                f'height="{_BOTTOM - top:.1f}" fill="{colour}" fill-opacity="0.45"/>'
            )
        body.append(_text(_RIGHT + 8, _TOP + 14 + 18 * index, name, colour=colour))
    return _svg(body, groups)


def _svg(body: Sequence[str], names: Iterable[str]) -> str:
    """As wide as the names beside the axes need."""
    width = max(_WIDTH, _RIGHT + 16 + _LETTER * max(map(len, names), default=0))
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{_HEIGHT}" '
        f'viewBox="0 0 {width} {_HEIGHT}" font-family="sans-serif" font-size="12">'
    )
    return (
        "\n".join([head, f'<rect width="{width}" height="{_HEIGHT}" fill="white"/>', *body, "</svg>"]) + "\n"
    )


def _axes(across: Axis, up: Axis) -> Iterator[str]:
    for value, label in across.ticks.items():
        yield _line(_x(across, value), _TOP, _x(across, value), _BOTTOM)
        yield _text(_x(across, value), _BOTTOM + 16, label, anchor="middle")
    for value, label in up.ticks.items():
        yield _line(_LEFT, _y(up, value), _RIGHT, _y(up, value))
        yield _text(_LEFT - 6, _y(up, value) + 4, label, anchor="end")
    yield _text((_LEFT + _RIGHT) / 2, _BOTTOM + 36, across.title, anchor="middle")
    middle = (_TOP + _BOTTOM) / 2
    turned = f'text-anchor="middle" transform="rotate(-90 16 {middle})"'
    yield f'<text x="16" y="{middle}" {turned}>{up.title}</text>'


def _x(axis: Axis, value: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * axis.share(value)


def _y(axis: Axis, value: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * axis.share(value)


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = "#222") -> str:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escaped}</text>'
