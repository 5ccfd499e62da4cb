"""A threshold by what the user can bear: false alarms a day, looked up in the model's calibration table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from kws.errors import KwsError

if TYPE_CHECKING:
    from kws.bundle import Bundle


@dataclass(frozen=True)
class Budget:
    """False alarms a day that are acceptable: by the estimate or, strictly, by its upper bound."""

    per_day: float
    strict: bool = False

    def threshold(self, bundle: Bundle) -> float:
        """The lowest threshold of this model that keeps to it; says on standard error what supports it.

        Raises:
            KwsError: the model has no table, or none of its thresholds keeps to it.
        """
        from kws.evaluation import threshold_for

        try:
            choice = threshold_for(bundle.calibration, self.per_day, strict=self.strict)
        except KwsError as error:
            raise KwsError(f"{bundle.name}: {error}") from error
        click.echo(f"kws: {bundle.name}: threshold {choice.threshold:g}, false alarms {choice}", err=True)
        return choice.threshold
