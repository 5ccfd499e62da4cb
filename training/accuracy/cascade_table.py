"""What a wake word comes to with its second stage, as its manifest tells: a section of docs/accuracy.md."""

from __future__ import annotations

from collections.abc import Iterator

from kws.bundle import find_bundle
from kws.cascade import stages_of
from kws.confirmation_table import ConfirmationPoint, measured_points, second_stage_of

_HEAD = """## With both stages

What `kws run`, `kws listen` and the daemon do by default on a computer: a head of 18 kB on the published
encoder proposes, the word's model for devices hears the last eight seconds again and decides
([why](decisions/0020-two-models-of-a-word.md)). Measured on the same streams with
`python -m training.second_stage kws/models/heads/WORD.json --confirm WORD --fill`; both thresholds, of the
head and of the other model, were chosen on them. All that follows below is the model for devices alone.

| word | thresholds | missed, clean | missed, 10 dB | false alarms an hour of speech |
|---|---|---|---|---|"""


def cascade_section(names: list[str]) -> str:
    """Of those of these bundled words that were measured so; empty where none was."""
    rows = [row for name in names for row in _row(name)]
    return "\n".join([_HEAD, *rows, ""]) if rows else ""


def _row(name: str) -> Iterator[str]:
    point = _default_point(name)
    if point:
        thresholds = f"{point.threshold:g} and {point.least:g}"
        cells = [name, thresholds, point.misses, point.noisy_misses, point.false_alarms]
        yield f"| {' | '.join(map(str, cells))} |"


def _default_point(name: str) -> ConfirmationPoint | None:
    bundle, second = stages_of(find_bundle(name))
    stage = second_stage_of(bundle, second) if second else None
    if second is None or stage is None:
        return None
    points = measured_points(bundle, second)
    (found,) = [one for one in points if (one.threshold, one.least) == (stage.threshold, stage.least)]
    return found
