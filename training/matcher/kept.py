"""A matcher in one file: weights, scaling of the rows, and what it came from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from kws.errors import KwsError
from training.kept import keep_arrays
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
    """Weights in 16 bits; the card also beside it, as JSON, for people."""
    matcher = kept.matcher
    weights = {f"weight{n}": np.asarray(variable, np.float16) for n, variable in enumerate(matcher.variables)}
    card = json.dumps({**kept.card, "network": asdict(matcher.config)}, sort_keys=True)
    keep_arrays(
        path,
        **weights,
        mean=matcher.scaling.mean,
        deviation=matcher.scaling.deviation,
        card=np.frombuffer(card.encode(), np.uint8),
    )
    path.with_suffix(".json").write_text(json.dumps(kept.card, indent=1) + "\n", encoding="utf-8")


def read_matcher(path: Path) -> Kept:
    """What `write_matcher` wrote; KwsError where there is none or it cannot be read."""
    remedy = "python -m training.matcher"
    try:
        with path.open("rb") as file, np.load(file) as stored:
            arrays = {name: stored[name] for name in stored.files}
        card = json.loads(arrays["card"].tobytes())
        matcher = Matcher(MatcherConfig(**card["network"]), Scaling(arrays["mean"], arrays["deviation"]))
        for number, variable in enumerate(matcher.variables):
            variable.assign(arrays[f"weight{number}"].astype(np.float32))
        return Kept(matcher, card)
    except FileNotFoundError as error:
        raise KwsError(f"{path}: no matcher there; make it with {remedy}") from error
    except (OSError, ValueError, EOFError, KeyError, TypeError, BadZipFile) as error:
        raise KwsError(f"{path}: not a matcher ({error}); make it again with {remedy}") from error
