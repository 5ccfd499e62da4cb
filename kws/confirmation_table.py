"""What pairs of thresholds, of a wake word's model and of its second stage, have missed and let through.

The table stands in the wake word's manifest under `kws.confirmation`, where
`python -m training.second_stage --fill` writes it.
"""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from kws.bundle import MODELS, Bundle
from kws.errors import BundleError, KwsError
from kws.fusion import Fusion, Member, members_of

if TYPE_CHECKING:
    from kws.evaluation.intervals import Proportion, Rate

Part = TypeVar("Part")
Second = Member | Fusion
"""What can be a second stage: another model of the word, a recognizer that looks for its spelling, both."""

MEMBERS = ("model", "recognizer")
"""Keys of the default under which names stand, in the order of a fusion's members."""
_KINDS: dict[type, str] = {dict: "table", list: "list"}


@dataclass(frozen=True)
class ConfirmationPoint:
    """One pair of thresholds."""

    threshold: float
    """Of the wake word's model."""
    least: float
    """Of the second stage; 0: as without one."""
    misses: Proportion
    """Words as recorded."""
    noisy_misses: Proportion
    """The same words at 10 dB SNR."""
    false_alarms: Rate
    """On speech without the word."""

    def to_json(self) -> dict[str, Any]:
        """Counts alone; `from_json` reads them."""
        return {
            "threshold": self.threshold,
            "least": self.least,
            "misses": self.misses.count,
            "occurrences": self.misses.total,
            "misses_10db": self.noisy_misses.count,
            "occurrences_10db": self.noisy_misses.total,
            "false_alarms": self.false_alarms.count,
            "hours": round(self.false_alarms.hours, 3),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> ConfirmationPoint:
        """Inverse of `to_json`; raises KwsError naming the key that is missing."""
        from kws.evaluation.intervals import Proportion, Rate

        try:
            return cls(
                float(row["threshold"]),
                float(row["least"]),
                Proportion(int(row["misses"]), int(row["occurrences"])),
                Proportion(int(row["misses_10db"]), int(row["occurrences_10db"])),
                Rate(int(row["false_alarms"]), float(row["hours"])),
            )
        except KeyError as error:
            raise KwsError(f"kws.confirmation: a point without {error}; measure it again") from error


@dataclass(frozen=True)
class SecondStage:
    """What a wake word's manifest says of the second stage that it was measured with."""

    threshold: float
    """Of the wake word's model."""
    least: float
    """Of the second look."""
    spellings: tuple[str, ...] = ()
    """Of the wake word, for a recognizer: phones, apart by spaces."""


def default_members(bundle: Bundle) -> list[str]:
    """Names of what a wake word was measured with, if anything: another model of the word, a recognizer.

    Raises:
        BundleError: the table cannot be read.
    """
    table = _table(bundle)
    if "default" not in table:
        return []
    chosen = _part(bundle, table, "default", dict)
    keys = [key for key in MEMBERS if key in chosen] or MEMBERS[-1:]
    for key in keys:
        name = chosen.get(key)
        if not isinstance(name, str) or not name:
            raise damaged(bundle, f"default.{key} is {reprlib.repr(name)}; it must be a name")
    return [chosen[key] for key in keys]


def default_weights(bundle: Bundle) -> tuple[float, ...]:
    """Of several members each one's, beside 1 for the wake word's own model; raises BundleError."""
    weights = _part(bundle, _part(bundle, _table(bundle), "default", dict), "weights", dict)
    for key in MEMBERS:
        weight: Any = weights.get(key)
        if type(weight) not in (int, float) or not 0 < weight < float("inf"):
            raise damaged(bundle, f"default.weights.{key} is {reprlib.repr(weight)}; it must be above 0")
    return tuple(float(weights[key]) for key in MEMBERS)


def second_stage_of(bundle: Bundle, second: Second) -> SecondStage | None:
    """The default second stage, if it is this one and was measured with this very model.

    Raises:
        BundleError: the table cannot be read.
    """
    table = _table(bundle)
    if "default" not in table or _part(bundle, table, "models", list) != pair(bundle, second):
        return None
    chosen = _part(bundle, table, "default", dict)
    for key in ("threshold", "least", *(("spellings",) if MEMBERS[1] in chosen else ())):
        if key not in chosen:
            raise damaged(bundle, f"default.{key} is missing")
    try:
        return SecondStage(
            _probability(chosen["threshold"]),
            _probability(chosen["least"]),
            tuple(chosen.get("spellings", ())),
        )
    except (TypeError, ValueError) as error:
        raise damaged(bundle, f"default cannot be used ({error})") from error


def costs_beside(bundle: Bundle, least: float) -> list[dict[str, Any]]:
    """Rows of the table for one threshold of the second stage, by the first's; raises BundleError."""
    try:
        rows = [row for row in _table(bundle).get("points", []) if row["least"] == least]
        return sorted(rows, key=lambda row: float(row["threshold"]))
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(bundle, f"points cannot be used ({type(error).__name__}: {error})") from error


def _table(bundle: Bundle) -> dict[str, Any]:
    ours = bundle.manifest.get("kws", {})
    return _part(bundle, ours, "confirmation", dict) if "confirmation" in ours else {}


def _part(bundle: Bundle, table: Mapping[str, Any], key: str, kind: type[Part]) -> Part:
    found = table.get(key)
    if not isinstance(found, kind):
        raise damaged(bundle, f"{key} is {reprlib.repr(found)}; it must be a {_KINDS[kind]}")
    return found


def _probability(value: Any) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise ValueError(f"{reprlib.repr(value)} is no number from 0 to 1")
    return float(value)


def damaged(bundle: Bundle, what: str) -> BundleError:
    """The error of a table in which this is wrong."""
    return BundleError(
        f"{bundle.manifest_path}: kws.confirmation: {what}; install the model again, or do without a second "
        "stage: --confirm none"
    )


def fewest_misses(points: Sequence[ConfirmationPoint], per_hour: float) -> ConfirmationPoint | None:
    """Of those within a rate of false alarms the one that misses least, as recorded and in noise together.

    Among equals it is the one with the fewest false alarms.
    """
    allowed = [point for point in points if point.false_alarms.per_hour <= per_hour]
    return min(
        allowed,
        key=lambda point: (point.misses.count + point.noisy_misses.count, point.false_alarms.count),
        default=None,
    )


def is_measured(bundle: Bundle) -> bool:
    """Whether its table says what pairs of thresholds cost, if only by an estimate."""
    return bool(_table(bundle).get("points"))


def estimate_of(bundle: Bundle) -> str:
    """On what its thresholds rest, in words, where they were not measured with its word; else ""."""
    return str(_table(bundle).get("default", {}).get("estimated", ""))


def how_to_measure(bundle: Bundle) -> str:
    """The command that makes its table for the models of now."""
    from shlex import quote  # only where something is amiss

    path = quote(str(bundle.manifest_path))
    if estimate_of(bundle):
        return f"python -m training.heads.cascade {path}"
    name = bundle.name if bundle.manifest_path.parent == MODELS else path
    members = default_members(bundle)
    beside = f" --confirm {quote(members[0])}" if members not in ([], ["english"]) else ""
    return f"python -m training.second_stage {name}{beside} --fill"


def measured_points(bundle: Bundle, second: Second) -> list[ConfirmationPoint]:
    """The table of a wake word; raises KwsError where there is none, or one of another pair of models."""
    table = bundle.manifest.get("kws", {}).get("confirmation")
    remedy = f"give --confirm-threshold, or run {how_to_measure(bundle)}"
    if not table:
        raise KwsError(f"{bundle.name}: was never measured with a second stage; {remedy}")
    if table.get("models") != pair(bundle, second):
        raise KwsError(f"{bundle.name}: its second stage was measured with other models; {remedy}")
    return [ConfirmationPoint.from_json(row) for row in table.get("points", [])]


def pair(bundle: Bundle, second: Second) -> list[str]:
    """What a table is for: checksums of both models, or of all."""
    return [str(one.model_sha256) for one in (bundle, *members_of(second))]
