"""Options that several subcommands share, and the engine they ask for."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from kws.engine import Engine

DEFAULT_MODEL = "computer"

Command = TypeVar("Command", bound=Callable[..., object])


def models_option(command: Command) -> Command:
    """--model, repeatable; the command's argument is `models`."""
    return click.option(
        "--model",
        "-m",
        "models",
        multiple=True,
        default=(DEFAULT_MODEL,),
        show_default=True,
        metavar="MODEL",
        help="Bundled name or path of a model; may be given several times.",
    )(command)


def threshold_option(command: Command) -> Command:
    """--threshold, a number from 0 to 1."""
    return click.option(
        "--threshold",
        "-t",
        type=click.FloatRange(0, 1),
        help="Score at which a word counts as heard, instead of each model's own.",
    )(command)


def load_engine(models: tuple[str, ...], threshold: float | None = None) -> Engine:
    """The engine of these models; raises BundleError."""
    from kws.engine import load

    with quiet_runtime():
        return load(*models, threshold=threshold)


@contextmanager
def quiet_runtime() -> Iterator[None]:
    """Keep LiteRT's notices off standard error while models load.

    It writes them from C and knows no setting for it, so the descriptor itself is turned aside; warnings
    and errors are handed on afterwards.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile() as aside:
        kept = os.dup(2)
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            aside.seek(0)
            os.write(2, b"".join(line for line in aside if not line.startswith(b"INFO: ")))
