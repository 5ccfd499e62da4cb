"""What pairs of thresholds, of a wake word's model and of its second stage, have missed and let through.

The table stands in the wake word's manifest under `kws.confirmation`, where
`python -m training.second_stage --fill` writes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kws.bundle import Bundle
from kws.errors import BundleError, KwsError
from kws.evaluation.intervals import Proportion, Rate
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.lexicon import Spelling
from kws.recognition.tokens import PHONES


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
    """What a wake word's manifest says of the recognizer that it was measured with."""

    recognizer: str
    """Bundled name."""
    threshold: float
    """Of the wake word's model."""
    least: float
    """Of the second look."""
    spellings: tuple[Spelling, ...]
    """Of the wake word, in phones."""


def second_stage_of(bundle: Bundle, recognizer: RecognizerBundle) -> SecondStage | None:
    """The default second stage, if these two models were measured together."""
    table = bundle.manifest.get("kws", {}).get("confirmation", {})
    chosen = table.get("default")
    if not chosen or table.get("models") != pair(bundle, recognizer):
        return None
    try:
        ways = tuple(PHONES.encode(tuple(way.split())) for way in chosen["spellings"])
        return SecondStage(chosen["recognizer"], float(chosen["threshold"]), float(chosen["least"]), ways)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            f"{bundle.manifest_path}: kws.confirmation.default cannot be used ({error}); install it again"
        ) from error


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


def measured_points(bundle: Bundle, recognizer: RecognizerBundle) -> list[ConfirmationPoint]:
    """The table of a wake word; raises KwsError where there is none, or one of another pair of models."""
    table = bundle.manifest.get("kws", {}).get("confirmation")
    remedy = f"give --confirm-threshold, or run python -m training.second_stage {bundle.name} --fill"
    if not table:
        raise KwsError(f"{bundle.name}: was never measured with a second stage; {remedy}")
    if table.get("models") != pair(bundle, recognizer):
        raise KwsError(f"{bundle.name}: its second stage was measured with other models; {remedy}")
    return [ConfirmationPoint.from_json(row) for row in table.get("points", [])]


def pair(bundle: Bundle, recognizer: RecognizerBundle) -> list[str]:
    """What a table is for: checksums of both models."""
    return [str(bundle.model_sha256), recognizer.model_sha256]
