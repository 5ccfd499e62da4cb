"""Options that several subcommands share, and the engine they ask for."""

from __future__ import annotations

import functools
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from kws.commands.budget import Budget
from kws.delegates import Delegate, parse_delegate
from kws.errors import DelegateError, KwsError
from kws.loading import AUTO, NONE, Wanted, wake_words
from kws.runtimes import VARIABLE, chosen
from kws.standard_error import turned_into

if TYPE_CHECKING:
    from kws.bundle import Bundle
    from kws.engine import Engine, WakeWord

DEFAULT_MODEL = "computer"

Command = TypeVar("Command", bound=Callable[..., object])


class Probability(click.FloatRange):
    """A number from 0 to 1; NaN, which no comparison refuses, is none."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; fails as click does."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value} is not in the range 0<=x<=1.", param, ctx)
        return number


def delegate_option(command: Command) -> Command:
    """--delegate; the argument is a Delegate or None."""
    return click.option(
        "--delegate",
        callback=_delegate,
        metavar="PATH[:KEY=VALUE]",
        help="Library that computes the models on an accelerator, with its options.",
    )(command)


def _delegate(context: click.Context, parameter: click.Parameter, text: str | None) -> Delegate | None:
    try:
        return parse_delegate(text) if text else None
    except DelegateError as error:
        raise click.BadParameter(str(error)) from error


def engine_option(command: Command) -> Command:
    """--engine, which holds for all that this process opens; the command gets no argument."""
    return click.option(
        "--engine",
        callback=_use_engine,
        expose_value=False,
        metavar="NAME",
        help="What computes: litert, or c99, which needs no LiteRT but a C compiler.  [default: litert]",
    )(command)


def _use_engine(context: click.Context, parameter: click.Parameter, name: str | None) -> None:
    if name:
        os.environ[VARIABLE] = chosen(name)


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
        type=Probability(),
        help="Score at which a word counts as heard, instead of each model's own.",
    )(command)


CONFIRM_OPTIONS = (
    click.option(
        "--confirm",
        metavar="MODEL",
        default=AUTO,
        show_default=True,
        help="Recognizer, or another model of the word, that must hear it as well; none; auto: what the word "
        "was measured with, unless there is a threshold.",
    ),
    click.option(
        "--confirm-threshold",
        type=Probability(),
        help="Score that must be reached there.  [default: as measured, or a recognizer's 0.1]",
    ),
)
"""--confirm and --confirm-threshold: the second stage."""


def confirm_options(command: Command) -> Command:
    """Both of CONFIRM_OPTIONS."""
    for option in reversed(CONFIRM_OPTIONS):
        command = option(command)
    return command


def threshold_options(command: Command) -> Command:
    """--threshold, or --max-false-alarms-per-day and --strict; the argument is one `threshold`."""

    @functools.wraps(command)
    def with_one_threshold(
        *arguments: Any,
        threshold: float | None,
        max_false_alarms_per_day: float | None,
        strict: bool,
        **others: Any,
    ) -> object:
        asked = _one_threshold(threshold, max_false_alarms_per_day, strict=strict)
        return command(*arguments, threshold=asked, **others)

    with_strict = click.option(
        "--strict", is_flag=True, help="Refuse a rate that the measured hours cannot promise."
    )(with_one_threshold)
    with_rate = click.option(
        "--max-false-alarms-per-day",
        type=click.FloatRange(0, min_open=True),
        metavar="N",
        help="Choose each model's threshold by its calibration.",
    )(with_strict)
    return cast(Command, threshold_option(with_rate))


def _one_threshold(
    threshold: float | None, max_per_day: float | None, *, strict: bool
) -> float | Budget | None:
    if max_per_day is None:
        if strict:
            raise KwsError("--strict: says how to take --max-false-alarms-per-day; give that too")
        return threshold
    if threshold is not None:
        raise KwsError("--threshold and --max-false-alarms-per-day: both say when a word is heard; give one")
    return Budget(max_per_day, strict)


def load_engine(
    models: tuple[str, ...],
    threshold: float | Budget | None = None,
    delegate: Delegate | None = None,
    confirm: str = NONE,
    least: float | None = None,
) -> Engine:
    """The engine of these models.

    Args:
        models: bundled names or paths.
        threshold: of the models, or what may be let through, by both stages together where there are two.
        delegate: what computes the models.
        confirm: the second stage of each, see kws.loading.Wanted.
        least: score that a word must reach there.

    Raises:
        KwsError: one is named twice or unfit, or no threshold keeps to the budget.
    """
    from kws.bundle import find_bundle
    from kws.engine import Engine

    wanted = [
        _within(threshold, find_bundle(model), confirm, least, delegate)
        if isinstance(threshold, Budget)
        else Wanted(find_bundle(model), confirm, threshold, least, delegate)
        for model in models
    ]
    with quiet_runtime():
        words = wake_words(wanted)
    refuse_repeats(words)
    return Engine(words)


def _within(
    budget: Budget, bundle: Bundle, confirm: str, least: float | None, delegate: Delegate | None
) -> Wanted:
    """A word at the thresholds that keep to a budget: of both its stages, if they were measured together."""
    if least is not None:
        raise KwsError("--confirm-threshold: --max-false-alarms-per-day chooses that too; give one of them")
    from kws.cascade import find_second, stages_of
    from kws.commands.confirm import pair_within
    from kws.confirmation_table import estimate_of, is_measured

    first, second = stages_of(bundle) if confirm == AUTO else (bundle, None)
    if confirm not in (AUTO, NONE):
        second = find_second(confirm)
    is_known = is_measured(first) and not (budget.strict and estimate_of(first))
    if second is None or (confirm == AUTO and not is_known):
        return Wanted(bundle, NONE, budget.threshold(bundle), None, delegate)
    threshold, enough = pair_within(first, second, budget)
    return Wanted(first, confirm, threshold, enough, delegate)


def refuse_repeats(wake_words: Sequence[WakeWord]) -> None:
    """Raise KwsError where one model stands twice, by whatever path: each of its events would come twice."""
    seen = set()
    for word in wake_words:
        path = word.bundle.manifest_path.resolve()
        if path in seen:
            raise KwsError(f"{word.bundle.name}: this model is named twice; name it once")
        seen.add(path)


def check_raw_format(files: Sequence[str], rate: int | None, channels: int | None) -> None:
    """Raise KwsError where rate or channels are given and all of `files` have headers that state them."""
    from kws.sources import split_uri

    if (rate is not None or channels is not None) and {split_uri(file)[0] for file in files} == {"file"}:
        raise KwsError(
            f"{files[0]}: --rate and --channels are those of raw PCM on standard input (-), "
            "a recording states its own; leave them away"
        )


@contextmanager
def quiet_runtime() -> Iterator[None]:
    """Keep LiteRT's notices off standard error while models load.

    It writes them from C and knows no setting for it, so the descriptor itself is turned aside; warnings
    and errors are handed on afterwards.
    """
    with tempfile.TemporaryFile() as aside:
        try:
            with turned_into(aside):
                yield
        finally:
            aside.seek(0)
            said = b"".join(line for line in aside if not line.startswith(b"INFO: "))
            if said:
                os.write(2, said)
