"""What each character of a text looks at, as an SVG: time across, characters down, dark where it looks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

_CELL, _ROW = 8, 16
_LEFT, _TOP, _BELOW = 40, 12, 28
_LEAST = 0.02
"""Weights below are left white."""


def attention_svg(weights: npt.NDArray[np.float32], text: str, place_seconds: float, count: int) -> str:
    """The drawing.

    Args:
        weights: (characters and the end of the text, places), rows that sum to 1.
        text: what was read.
        place_seconds: from one place to the next.
        count: places that were heard; those after them are left out.
    """
    width, height = _LEFT + _CELL * count + 10, _TOP + _ROW * len(weights) + _BELOW
    body = [f'<rect width="{width}" height="{height}" fill="white"/>']
    for row, (label, looks) in enumerate(zip([*text, "end"], weights[:, :count], strict=True)):
        top = _TOP + _ROW * row
        body.append(f'<text x="{_LEFT - 6}" y="{top + 12}" text-anchor="end">{label.strip() or "_"}</text>')
        body += [_cell(_LEFT + _CELL * place, top, looks[place]) for place in np.flatnonzero(looks >= _LEAST)]
    for second in range(int(count * place_seconds) + 1):
        across = _LEFT + _CELL * second / place_seconds
        body.append(f'<text x="{across:.0f}" y="{height - 8}">{second} s</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-size="11">'
    return "\n".join([head, *body, "</svg>"]) + "\n"


def _cell(x: float, y: float, weight: float) -> str:
    return (
        f'<rect x="{x}" y="{y}" width="{_CELL}" height="{_ROW}" fill="#1b6ca8" '
        f'fill-opacity="{min(1.0, float(weight)):.2f}"/>'
    )
