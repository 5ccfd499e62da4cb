"""What a wake word comes to with its second stage, as its manifest tells: a section of docs/accuracy.md."""

from __future__ import annotations

from collections.abc import Iterator

from kws.bundle import find_bundle
from kws.recognition.bundle import find_recognizer
from kws.recognition.confirmation_table import ConfirmationPoint, measured_points, second_stage_of

_HEAD = """## With the recognizer as second stage

What `kws run`, `kws listen` and the daemon do by default on a computer with the published encoder: the model
proposes, the recognizer decides ([why](decisions/0017-cascade-by-default.md)). Measured on the same streams
with `python -m training.second_stage --fill`; both thresholds, of the model and of the spelling, were chosen
on them. All that follows below is the model alone, as on a device.

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
    bundle, recognizer = find_bundle(name), find_recognizer("english")
    stage = second_stage_of(bundle, recognizer)
    if stage is None:
        return None
    points = measured_points(bundle, recognizer)
    (found,) = [one for one in points if (one.threshold, one.least) == (stage.threshold, stage.least)]
    return found
