"""What a second look buys behind a wake word's model, on the dev recordings.

python -m training.second_stage [MODEL ...] [--confirm english] [--own]

It is a recognizer's, that looks for the word's spelling, or that of another model of the same word; with
`--confirm auto` what the model's manifest names.

At several thresholds of the model's own, each candidate gets the score of its second look; from these come
the misses and false alarms of every pair of thresholds. For some rates of false alarms the table has the
fewest misses with and without the second stage. Both are chosen on the recordings they are measured on. With
--own nothing is chosen: each model is heard at the thresholds that its manifest names, and alone also where
it has some rates of false alarms by the manifest's table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from kws.bundle import Bundle, bundled_names, find_bundle
from kws.cascade import default_second, find_second
from kws.confirmation_table import ConfirmationPoint, Second, fewest_misses, second_stage_of
from kws.errors import KwsError
from kws.evaluation import Rate
from kws.fusion import members_of
from kws.loading import AUTO
from kws.manifest_keys import read_json, write_json
from kws.recognition.spelling import phrase_spellings
from kws.recognition.tokens import PHONES
from training.accuracy.confirmation import confirmation
from training.accuracy.dev_streams import CACHE, CLEAN, NOISY, SPEECH
from training.accuracy.looked import Looked, looked, weight_of

FIRST_PER_HOUR = (0.5, 2.0, 8.0, 25.0)
"""False alarms per hour of the first stages tried."""
FIRST_LEAST = 0.1
"""The lowest threshold of a first stage tried: heads propose there some forty times in an hour of speech,
which is beyond their tables."""
OWN_PER_HOUR = (0.5, 1.0, 2.0)
"""The same of a model alone, by its own table."""
DEFAULT_PER_HOUR = 0.25
"""False alarms per hour of both stages together where nobody says otherwise."""
BUDGETS = (0.1, 0.5, 1.0, 2.0)
"""False alarms per hour at which misses are compared."""
_LEAST = (0.0, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.13, 0.16, 0.2, 0.25, 0.3, 0.4)
_LEAST_OF_BOTH = (0.0, 0.02, 0.04, 0.06, 0.08, *(round(0.05 * n, 2) for n in range(2, 19)))


def points(
    bundle: Bundle, second: Second, cache: Path, pairs: Mapping[float, Sequence[float]] | None = None
) -> list[ConfirmationPoint]:
    """Pairs of thresholds on the dev recordings.

    Args:
        bundle: of one wake word.
        second: its second stage.
        cache: where the streams' rows are kept.
        pairs: thresholds of its model, and with each those of the second stage; by default many with those of
            `proposing_thresholds`.
    """
    if pairs is None:
        pairs = dict.fromkeys(proposing_thresholds(bundle), leasts_of(second))
    looks = looked(bundle, second, cache, list(pairs))
    return [_point(look, least) for look in looks for least in pairs[look.threshold]]


def leasts_of(second: Second) -> Sequence[float]:
    """Thresholds of a second stage that are tried."""
    return _LEAST if weight_of(second) is None else _LEAST_OF_BOTH


def first_thresholds(bundle: Bundle, rates: Sequence[float]) -> list[float]:
    """By the calibration in the bundle: the lowest that keeps to each of these false alarms an hour."""
    rows = sorted(bundle.calibration, key=lambda row: -row["threshold"])
    chosen = []
    for rate in rates:
        kept = [row["threshold"] for row in rows if row["false_alarms"] <= rate * row["hours"]]
        chosen += kept[-1:]
    return sorted(set(chosen), reverse=True)


def proposing_thresholds(bundle: Bundle) -> list[float]:
    """Those that are tried with a second stage behind them."""
    return [*first_thresholds(bundle, FIRST_PER_HOUR), FIRST_LEAST]


def _point(looks: Looked, least: float) -> ConfirmationPoint:
    clean, noisy = (looks.matched(name, least).misses for name in (CLEAN, NOISY))
    alarms = len(looks.matched(SPEECH, least).false_alarms)
    return ConfirmationPoint(looks.threshold, least, clean, noisy, Rate(alarms, looks.layouts[SPEECH].hours))


def report(name: str, found: Sequence[ConfirmationPoint]) -> str:
    """The table of one model."""
    lines = [f"{name}: missed as recorded; missed at 10 dB; false alarms per hour (thresholds)"]
    for budget in BUDGETS:
        alone = fewest_misses([point for point in found if not point.least], budget)
        both = fewest_misses([point for point in found if point.least], budget)
        lines.append(f"  at most {budget:g} per hour, one stage   {_described(alone)}")
        lines.append(f"  at most {budget:g} per hour, two stages  {_described(both)}")
    return "\n".join(lines)


def own_report(bundle: Bundle, second: Second, cache: Path) -> Iterator[str]:
    """Lines: its model alone, at its own threshold and by its table, and both stages as they stand there.

    Raises:
        KwsError: the manifest names no such second stage.
    """
    stage = second_stage_of(bundle, second)
    if stage is None:
        raise KwsError(
            f"{bundle.name}: its manifest has no second stage by {second.name}; measure without --own"
        )
    alone = [bundle.threshold, *first_thresholds(bundle, OWN_PER_HOUR)]
    pairs = {first: (0.0,) for first in alone if first != stage.threshold}
    asked = (0.0, stage.least) if stage.threshold in alone else (stage.least,)
    for point in points(bundle, second, cache, {**pairs, stage.threshold: asked}):
        yield f"{bundle.name}: {'both ' if point.least else 'alone'}  {_described(point)}"


def _described(point: ConfirmationPoint | None) -> str:
    if point is None:
        return "none of the thresholds tried keeps to it"
    rates = f"{point.misses}; {point.noisy_misses}; {point.false_alarms}"
    return f"{rates} ({point.threshold:g}, {point.least:g})"


@click.command()
@click.argument("models", nargs=-1)
@click.option("--confirm", default="english", show_default=True, help="A recognizer, another model, or auto.")
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, show_default=True)
@click.option("--fill", is_flag=True, help="Write the measured points into the wake words' manifests too.")
@click.option("--own", is_flag=True, help="Choose nothing: hear each at its manifest's thresholds.")
def main(models: tuple[str, ...], confirm: str, cache: Path, fill: bool, own: bool) -> None:
    """Compare MODELS, by default all that are bundled, with and without a second stage."""
    for name in models or bundled_names():
        bundle = find_bundle(name)
        second = default_second(bundle) if confirm == AUTO else find_second(confirm)
        if second is None:
            raise KwsError(f"{name}: its manifest names no second stage; name one with --confirm")
        if own:
            click.echo("\n".join(own_report(bundle, second, cache)))
            continue
        found = points(bundle, second, cache)
        click.echo(report(bundle.name, found))
        if fill:
            fill_manifest(bundle, second, found)


def fill_manifest(bundle: Bundle, second: Second, found: Sequence[ConfirmationPoint]) -> None:
    """Write the points into the manifest; KwsError for one that is not ours."""
    manifest = read_json(bundle.manifest_path)
    if "kws" not in manifest:
        raise KwsError(f'{bundle.manifest_path}: has no "kws" part to fill; measure it without --fill')
    default = default_pair(found)
    if default is None:
        raise KwsError(f"{bundle.name}: no pair of thresholds keeps to {DEFAULT_PER_HOUR:g} an hour")
    hears_alone = all(isinstance(member, Bundle) for member in members_of(second))
    ways = () if hears_alone else phrase_spellings(bundle.wake_word, PHONES)
    manifest["kws"]["confirmation"] = confirmation(
        str(bundle.model_sha256),
        second,
        (default.threshold, default.least),
        ways,
        worth_keeping(found, default),
    )
    write_json(bundle.manifest_path, manifest)


def default_pair(found: Sequence[ConfirmationPoint]) -> ConfirmationPoint | None:
    """The pair of thresholds that is used where nobody says otherwise.

    Of pairs that do as well, those whose first stage lets most through, for what it refuses is lost; and of
    these the one in the middle, since other voices and other speech lie to both sides.
    """
    best = fewest_misses(found, DEFAULT_PER_HOUR)
    if best is None:
        return None
    counts = (best.misses, best.noisy_misses, best.false_alarms)
    equals = [one for one in found if (one.misses, one.noisy_misses, one.false_alarms) == counts]
    lowest = min(one.threshold for one in equals)
    leasts = sorted((one for one in equals if one.threshold == lowest), key=lambda one: one.least)
    return leasts[(len(leasts) - 1) // 2]


def worth_keeping(found: Sequence[ConfirmationPoint], default: ConfirmationPoint) -> list[ConfirmationPoint]:
    """For every rate of false alarms that occurs, the pair that misses least within it; and what other
    thresholds of the first stage do beside the default second one."""
    rates = sorted({point.false_alarms.per_hour for point in found})
    chosen = [fewest_misses(found, rate) for rate in rates]
    beside = [point for point in found if point.least == default.least]
    return list(dict.fromkeys(point for point in (*chosen, *beside) if point))


if __name__ == "__main__":
    main()
