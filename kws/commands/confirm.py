"""The pair of thresholds, of a wake word and of its second stage, that keeps to a budget of false alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kws.commands.budget import Budget
from kws.errors import KwsError

if TYPE_CHECKING:
    from kws.bundle import Bundle
    from kws.confirmation_table import Second


def pair_within(bundle: Bundle, second: Second, budget: Budget) -> tuple[float, float]:
    """The measured pair that misses least; says on standard error what supports it.

    Args:
        bundle: of the wake word.
        second: its second stage.
        budget: what may be let through by both stages together.

    Raises:
        KwsError: the two were not measured together, or no pair keeps to it.
    """
    from kws.confirmation_table import estimate_of, fewest_misses, measured_points

    points = measured_points(bundle, second)
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
    if told := estimate_of(bundle):
        click.echo(f"kws: {bundle.name}: estimated: {told}", err=True)
    return point.threshold, point.least
