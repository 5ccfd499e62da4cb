"""Wake words with a recognizer as their second stage, as `kws run` and `kws listen` ask for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kws.commands.budget import Budget
from kws.commands.options import quiet_runtime, refuse_repeats
from kws.errors import KwsError

if TYPE_CHECKING:
    from kws.bundle import Bundle
    from kws.delegates import Delegate
    from kws.engine import Engine
    from kws.recognition.bundle import RecognizerBundle


def confirmed_engine(
    models: tuple[str, ...],
    threshold: float | Budget | None,
    recognizer: str,
    least: float | None,
    delegate: Delegate | None = None,
) -> Engine:
    """The engine of these models, each of whose candidates the recognizer confirms.

    Args:
        models: of the wake words.
        threshold: of their own models, or what may be let through by both stages together.
        recognizer: bundled name or path.
        least: score that a word's spelling must reach.
        delegate: what computes the models.

    Raises:
        KwsError: a model is unfit, or no measured pair of thresholds keeps to the budget.
    """
    from kws.bundle import find_bundle
    from kws.engine import Engine
    from kws.recognition.bundle import find_recognizer
    from kws.recognition.confirmation import confirmed_by

    if isinstance(threshold, Budget) and least is not None:
        raise KwsError("--confirm-threshold: --max-false-alarms-per-day chooses that too; give one of them")
    second, words = find_recognizer(recognizer), []
    for bundle in map(find_bundle, models):
        first, enough = (
            _within(bundle, second, threshold) if isinstance(threshold, Budget) else (threshold, least)
        )
        with quiet_runtime():
            word = confirmed_by(recognizer, bundle, threshold=first, least=enough, delegate=delegate)
            words.append(word)
    refuse_repeats(words)
    return Engine(words)


def _within(bundle: Bundle, recognizer: RecognizerBundle, budget: Budget) -> tuple[float, float]:
    """The measured pair of thresholds that misses least; says on standard error what supports it."""
    from kws.recognition.confirmation_table import fewest_misses, measured_points

    points = measured_points(bundle, recognizer)
    if budget.strict:
        points = [point for point in points if 24 * point.false_alarms.upper_bound <= budget.per_day]
    point = fewest_misses(points, budget.per_day / 24)
    if point is None:
        raise KwsError(
            f"{bundle.name}: no measured pair of thresholds keeps to {budget.per_day:g} false alarms a day; "
            "allow more, or give --threshold and --confirm-threshold"
        )
    click.echo(
        f"kws: {bundle.name}: thresholds {point.threshold:g} and {point.least:g}, "
        f"false alarms per hour {point.false_alarms}",
        err=True,
    )
    return point.threshold, point.least
