"""Tables of Markdown, and figures as they stand in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kws.bench.process import Spread


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; rows are as wide as the headings."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def spread_text(spread: Spread, digits: int) -> str:
    """As in "0.00113 (0.00108 to 0.00125)"."""
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f} to {spread.high:.{digits}f})"
