"""Which engine computes front end and model: LiteRT, or one that another package offers.

Offers stand in the entry-point group `kws.engines`; they are found by name, kws imports none of them itself.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from kws.errors import KwsError
from kws.types import Outputs, Rows, Samples, Stage

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from kws.delegates import Delegate

LITERT = "litert"
"""LiteRT, with the rows of pymicro-features."""
VARIABLE = "KWS_ENGINE"
"""Environment variable with the engine's name, for what does not say which it wants."""
GROUP = "kws.engines"


class Model(Stage[Rows, Outputs], Protocol):
    """A streaming Stage: int8 rows (t, channels) -> uint8 outputs (steps, labels), one per `stride` rows."""

    stride: int
    channels: int
    labels: int
    input_quantization: tuple[float, int]
    """Scale and zero point."""
    output_quantization: tuple[float, int]
    delegate: Delegate | None
    """What computes it in the processor's place, if anything does."""


class Offer(Protocol):
    """What an engine consists of; a module with these two functions is one."""

    def new_front_end(self) -> Stage[Samples, Rows]:
        """The micro front end; raises KwsError."""

    def open_model(self, path: Path, /) -> Model:
        """The model in a .tflite; raises KwsError."""


def chosen(engine: str = "") -> str:
    """This engine, or the one that the environment names, or LiteRT; raises KwsError for an unknown one."""
    name = engine or os.environ.get(VARIABLE, "") or LITERT
    if name != LITERT and name not in engines():
        raise KwsError(f"engine {name}: there is none of that name; there are {', '.join(engines())}")
    return name


def engines() -> list[str]:
    """Names of all engines, LiteRT first."""
    return [LITERT, *sorted(_entry_points())]


def offer(engine: str) -> Offer:
    """An engine other than LiteRT, by name."""
    return cast(Offer, _entry_points()[engine].load())


def missing_package(package: str) -> KwsError:
    """What to say where LiteRT cannot be used."""
    return KwsError(
        f"{package} is not installed, so the engine {LITERT} cannot be used; pip install {package}, or take "
        f"--engine c99, which needs a C compiler instead (or set {VARIABLE}=c99)"
    )


@cache
def _entry_points() -> dict[str, EntryPoint]:
    # Once: it reads what every package says that is installed.
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}
