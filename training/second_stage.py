"""What a second look by a recognizer's spotter buys behind a wake word's model, on the dev recordings.

python -m training.second_stage [MODEL ...] [--recognizer english] [--own]

At several thresholds of the model's own, each candidate gets the score of its second look; from these come
the misses and false alarms of every pair of thresholds. For some rates of false alarms the table has the
fewest misses with and without the second stage. Both are chosen on the recordings they are measured on. With
--own nothing is chosen: each model is heard at the thresholds that its manifest names, and alone also where
it has some rates of false alarms by the manifest's table.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from kws.bundle import Bundle, bundled_names, find_bundle
from kws.engine import WakeWord
from kws.errors import KwsError
from kws.evaluation import Matched, Rate, match_detections
from kws.evaluation.streams import RowStream
from kws.events import Detection
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.confirmation import ConfirmedWord, SecondLook, rehearing_of
from kws.recognition.confirmation_table import ConfirmationPoint, fewest_misses, second_stage_of
from kws.recognition.spelling import phrase_spellings
from kws.recognition.tokens import PHONES
from training.confirmation import confirmation
from training.dev_streams import CACHE, CLEAN, NOISY, SPEECH, dev_stream
from training.evaluate import detections_of

FIRST_PER_HOUR = (0.5, 2.0, 8.0, 25.0)
"""False alarms per hour of the first stages tried."""
OWN_PER_HOUR = (0.5, 1.0, 2.0)
"""The same of a model alone, by its own table."""
DEFAULT_PER_HOUR = 0.25
"""False alarms per hour of both stages together where nobody says otherwise."""
BUDGETS = (0.1, 0.5, 1.0, 2.0)
"""False alarms per hour at which misses are compared."""
_LEAST = (0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4)


@dataclass(frozen=True)
class Candidate:
    """What the first stage heard, and what the second made of it."""

    event: Detection
    score: float


class Scorer(ConfirmedWord):
    """A confirmed word that never agrees, so that every look is carried to its end."""

    def __init__(self, bundle: Bundle, look: SecondLook) -> None:
        super().__init__(bundle, look, least=2.0)

    def candidates(self, stream: RowStream, events: Sequence[Detection]) -> list[Candidate]:
        """The highest score of each event's look; the stream is in rows as the second stage hears them."""
        found = []
        self._start_anew()
        self._look.rehearing.rows.extend(0, stream.rows)
        for event in events:
            row = self._row_at(event.end, 0)
            self._begin(event, row)
            self._look_on(row + self._wait, 0)
            found.append(Candidate(event, self._look.score))
        return found


def points(
    bundle: Bundle, recognizer: str, cache: Path, pairs: Mapping[float, Sequence[float]] | None = None
) -> list[ConfirmationPoint]:
    """Pairs of thresholds on the dev recordings.

    Args:
        bundle: of one wake word.
        recognizer: its second stage.
        cache: where the streams' rows are kept.
        pairs: thresholds of its model, and with each those of the spelling; by default all of _LEAST with
            those of `first_thresholds`.
    """
    if pairs is None:
        pairs = dict.fromkeys(first_thresholds(bundle, FIRST_PER_HOUR), _LEAST)
    word = bundle.wake_word.lower()
    rehearing = rehearing_of(find_recognizer(recognizer))
    scorer = Scorer(bundle, SecondLook(rehearing, phrase_spellings(bundle.wake_word, PHONES)))
    streams, outputs = {}, {}
    for name in (CLEAN, NOISY, SPEECH):
        heard = dev_stream(word, name, cache=cache, front_end=bundle.front_end)
        outputs[name] = bundle.open_model().push(heard.rows)
        streams[name] = dev_stream(word, name, cache=cache, front_end=rehearing.front_end)
    found = []
    for first, leasts in pairs.items():
        wake_word = WakeWord(bundle, threshold=first)
        looked = {
            name: scorer.candidates(stream, detections_of(wake_word, outputs[name]))
            for name, stream in streams.items()
        }
        found += [_point(first, least, looked, streams) for least in leasts]
    return found


def first_thresholds(bundle: Bundle, rates: Sequence[float]) -> list[float]:
    """By the calibration in the bundle: the lowest that keeps to each of these false alarms an hour."""
    rows = sorted(bundle.calibration, key=lambda row: -row["threshold"])
    chosen = []
    for rate in rates:
        kept = [row["threshold"] for row in rows if row["false_alarms"] <= rate * row["hours"]]
        chosen += kept[-1:]
    return sorted(set(chosen), reverse=True)


def _point(
    first: float, least: float, looked: dict[str, list[Candidate]], streams: dict[str, RowStream]
) -> ConfirmationPoint:
    def matched(name: str) -> Matched:
        events = [candidate.event for candidate in looked[name] if candidate.score >= least]
        return match_detections(events, streams[name].layout.occurrences)

    alarms = len(matched(SPEECH).false_alarms)
    return ConfirmationPoint(
        first, least, matched(CLEAN).misses, matched(NOISY).misses, Rate(alarms, streams[SPEECH].layout.hours)
    )


def report(name: str, found: Sequence[ConfirmationPoint]) -> str:
    """The table of one model."""
    lines = [f"{name}: missed as recorded; missed at 10 dB; false alarms per hour (thresholds)"]
    for budget in BUDGETS:
        alone = fewest_misses([point for point in found if not point.least], budget)
        both = fewest_misses([point for point in found if point.least], budget)
        lines.append(f"  at most {budget:g} per hour, one stage   {_described(alone)}")
        lines.append(f"  at most {budget:g} per hour, two stages  {_described(both)}")
    return "\n".join(lines)


def own_report(bundle: Bundle, recognizer: str, cache: Path) -> Iterator[str]:
    """Lines: its model alone, at its own threshold and by its table, and both stages as they stand there.

    Raises:
        KwsError: the manifest names no second stage by this recognizer.
    """
    stage = second_stage_of(bundle, find_recognizer(recognizer))
    if stage is None:
        raise KwsError(
            f"{bundle.name}: its manifest has no second stage by {recognizer}; measure without --own"
        )
    alone = [bundle.threshold, *first_thresholds(bundle, OWN_PER_HOUR)]
    pairs = {first: (0.0,) for first in alone if first != stage.threshold}
    asked = (0.0, stage.least) if stage.threshold in alone else (stage.least,)
    for point in points(bundle, recognizer, cache, {**pairs, stage.threshold: asked}):
        yield f"{bundle.name}: {'both ' if point.least else 'alone'}  {_described(point)}"


def _described(point: ConfirmationPoint | None) -> str:
    if point is None:
        return "none of the thresholds tried keeps to it"
    rates = f"{point.misses}; {point.noisy_misses}; {point.false_alarms}"
    return f"{rates} ({point.threshold:g}, {point.least:g})"


@click.command()
@click.argument("models", nargs=-1)
@click.option("--recognizer", default="english", show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, show_default=True)
@click.option("--fill", is_flag=True, help="Write the measured points into the wake words' manifests too.")
@click.option("--own", is_flag=True, help="Choose nothing: hear each at its manifest's thresholds.")
def main(models: tuple[str, ...], recognizer: str, cache: Path, fill: bool, own: bool) -> None:
    """Compare MODELS, by default all that are bundled, with and without a second stage."""
    for name in models or bundled_names():
        bundle = find_bundle(name)
        if own:
            click.echo("\n".join(own_report(bundle, recognizer, cache)))
            continue
        found = points(bundle, recognizer, cache)
        click.echo(report(bundle.name, found))
        if fill:
            fill_manifest(bundle, find_recognizer(recognizer), found)


def fill_manifest(bundle: Bundle, recognizer: RecognizerBundle, found: Sequence[ConfirmationPoint]) -> None:
    """Write the points into the manifest; KwsError for one that is not ours."""
    manifest = json.loads(bundle.manifest_path.read_text(encoding="utf-8"))
    if "kws" not in manifest:
        raise KwsError(f'{bundle.manifest_path}: has no "kws" part to fill; measure it without --fill')
    default = _default(found)
    if default is None:
        raise KwsError(f"{bundle.name}: no pair of thresholds keeps to {DEFAULT_PER_HOUR:g} an hour")
    ways = phrase_spellings(bundle.wake_word, PHONES)
    manifest["kws"]["confirmation"] = confirmation(
        str(bundle.model_sha256),
        recognizer,
        (default.threshold, default.least),
        ways,
        worth_keeping(found, default),
    )
    text = json.dumps(manifest, indent=1, ensure_ascii=False)
    bundle.manifest_path.write_text(text + "\n", encoding="utf-8")


def _default(found: Sequence[ConfirmationPoint]) -> ConfirmationPoint | None:
    """The pair of thresholds that is used where nobody says otherwise.

    Of pairs that do as well, the one whose first stage lets most through: what it refuses is lost, and it has
    heard fewer voices than the second has.
    """
    best = fewest_misses(found, DEFAULT_PER_HOUR)
    if best is None:
        return None
    counts = (best.misses, best.noisy_misses, best.false_alarms)
    equals = [one for one in found if (one.misses, one.noisy_misses, one.false_alarms) == counts]
    return min(equals, key=lambda one: (one.threshold, one.least))


def worth_keeping(found: Sequence[ConfirmationPoint], default: ConfirmationPoint) -> list[ConfirmationPoint]:
    """For every rate of false alarms that occurs, the pair that misses least within it; and what other
    thresholds of the first stage do beside the default second one."""
    rates = sorted({point.false_alarms.per_hour for point in found})
    chosen = [fewest_misses(found, rate) for rate in rates]
    beside = [point for point in found if point.least == default.least]
    return list(dict.fromkeys(point for point in (*chosen, *beside) if point))


if __name__ == "__main__":
    main()
