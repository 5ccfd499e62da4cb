"""Tables of Markdown, and figures as they stand in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kws.bench.process import Spread


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; rows are as wide as the headings."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def spread_text(spread: Spread, digits: int) -> str:
    """As in "0.00113 (0.00108 to 0.00125)", without the ends where there is but one value."""
    median, low, high = (f"{value:.{digits}f}" for value in (spread.median, spread.low, spread.high))
    return median if spread.low == spread.high else f"{median} ({low} to {high})"


def rounds_text(rounds: int, who: str = "engine") -> str:
    """What the figures of so many rounds are."""
    if rounds == 1:
        return "one round, so nothing tells how far the figures would be from those of another"
    return (
        f"{rounds} rounds in which every {who} takes its turn once. A figure is the median of the rounds "
        "with the lowest and the highest, between which the true median lies with "
        f"{100 * (1 - 2 / 2**rounds):.0f} % confidence"
    )
