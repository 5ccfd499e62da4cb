"""Where kws is among all engines, and how far from what it shall reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.peers import OURSELVES
from benchmarks.table import markdown


@dataclass(frozen=True)
class Asked:
    """A figure in which kws shall reach something."""

    title: str
    aim: float
    digits: int
    known: Mapping[str, float]
    """By variant."""

    @property
    def peer(self) -> str:
        """Who takes least of those that are not ours; "" where there is none."""
        theirs = [name for name in self.known if not is_ours(name)]
        return min(theirs, key=self.known.__getitem__, default="")

    def below(self, name: str) -> list[str]:
        """Peers that take no more than one of ours, the lowest first, with what they take."""
        lower = [peer for peer in self.known if not is_ours(peer) and self.known[peer] <= self.known[name]]
        return [
            f"{peer} {self.known[peer]:.{self.digits}f}" for peer in sorted(lower, key=self.known.__getitem__)
        ]

    def cell(self, name: str) -> str:
        """The value of one of ours, times the lowest peer's, times the aim."""
        value = self.known[name]
        beside = f"{value / self.known[self.peer]:.2f}, " if self.peer else ""
        return f"{value:.{self.digits}f} ({beside}{value / self.aim:.1f})"


def is_ours(title: str) -> bool:
    """Whether a variant is one of kws."""
    return title.startswith(OURSELVES.name)


def standing(asked: Sequence[Asked]) -> str:
    """A table: each of ours in every figure, the lowest peer, the aim."""
    ours = [name for name in asked[0].known if is_ours(name)]
    rows = [(name, *(one.cell(name) for one in asked)) for name in ours]
    if all(one.peer for one in asked):
        peers = [f"{one.peer} {one.known[one.peer]:.{one.digits}f}" for one in asked]
        rows.append(("lowest peer", *peers))
    rows.append(("aim", *(f"{one.aim:g}" for one in asked)))
    return markdown(("", *(one.title for one in asked)), rows)


def verdict(asked: Sequence[Asked], name: str = OURSELVES.name) -> str:
    """A list, by figure: whether one of ours is below every peer, or who is not above it; and the aim."""
    return "\n".join([f"*{name}*, by medians:", "", *(_verdict(one, name) for one in asked)])


def _verdict(one: Asked, name: str) -> str:
    lower, times = one.below(name), one.known[name] / one.aim
    beside = f"not below {', '.join(lower)}" if lower else "below every peer"
    aim = "within the aim" if times <= 1 else f"{times:.1f} times the aim"
    return f"* {one.title}: {beside if one.peer else 'no peer measured'}; {aim}"
