"""A matcher in one file: weights, scaling of the rows, and what it came from."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from training.learning.network_file import assign_weights, network_arrays, write_network
from training.matcher.network import Matcher, MatcherConfig, Scaling


@dataclass(frozen=True, eq=False)
class Kept:
    """All that is needed to match."""

    matcher: Matcher
    card: dict[str, Any]


def matcher_file(cache: Path, hears: str) -> Path:
    """Where `python -m training.matcher` leaves one."""
    return cache / "matcher" / f"{hears}.npz"


def write_matcher(path: Path, kept: Kept) -> None:
    """Weights, scaling, card."""
    matcher = kept.matcher
    scaling = {"mean": matcher.scaling.mean, "deviation": matcher.scaling.deviation}
    write_network(path, matcher.variables, kept.card, asdict(matcher.config), **scaling)


def read_matcher(path: Path) -> Kept:
    """What `write_matcher` wrote; KwsError where there is none or it cannot be read."""
    with network_arrays(path, "matcher", "python -m training.matcher") as (arrays, card):
        matcher = Matcher(MatcherConfig(**card["network"]), Scaling(arrays["mean"], arrays["deviation"]))
        assign_weights(matcher.variables, arrays)
        return Kept(matcher, card)
