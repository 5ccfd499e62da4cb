"""Options by which `kws run` and `kws listen` recognize speech, and the engine they ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from kws.commands.budget import Budget
from kws.commands.options import CONFIRM_OPTIONS, DEFAULT_MODEL, load_engine, quiet_runtime
from kws.delegates import Delegate
from kws.errors import KwsError
from kws.loading import AUTO

if TYPE_CHECKING:
    from kws.engine import Engine

Command = TypeVar("Command", bound=Callable[..., object])


@dataclass(frozen=True)
class Speech:
    """What the user wants understood beyond wake words, and what computes it."""

    grammar: str | None = None
    wake: tuple[str, ...] = ()
    then: str | None = None
    spot: tuple[str, ...] = ()
    boost: tuple[str, ...] = ()
    confirm: str = AUTO
    confirm_threshold: float | None = None
    rescore: tuple[str, ...] = ()
    language_model: str | None = None
    delegate: Delegate | None = None


def speech_options(command: Command) -> Command:
    """--grammar, --wake, --then, --spot, --boost, --confirm, --rescore and what belongs to them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


_OPTIONS = (
    click.option(
        "--grammar",
        "-g",
        metavar="FILE",
        help="Sentences to listen for: .jsgf, templates in .yaml, or a folder of these.",
    ),
    click.option(
        "--wake", "-w", multiple=True, metavar="MODEL", help="Wake word to wait for, with --then; repeatable."
    ),
    click.option("--then", metavar="MODEL", help="Recognizer for the command after the wake word."),
    click.option(
        "--spot", multiple=True, metavar="PHRASE", help="Find a phrase by its spelling; repeatable."
    ),
    click.option(
        "--boost",
        multiple=True,
        metavar="PHRASE[=NATS]",
        help="Phrase to expect, without a grammar; nats per token.  [default: 1.5]",
    ),
    *CONFIRM_OPTIONS,
    click.option(
        "--rescore",
        multiple=True,
        type=click.Choice(["second-pass", "neural-lm", "none"]),
        help="What else judges the likeliest texts in the end; repeatable.  [default: neural-lm without a "
        "grammar, where the recognizer has one]",
    ),
    click.option(
        "--language-model",
        metavar="FILE",
        help="Which words are likely, without a grammar: .arpa or .arpa.gz.  [default: general English]",
    ),
)


def engine_for(models: tuple[str, ...], threshold: float | Budget | None, speech: Speech) -> Engine:
    """Wake words, or what the options for speech ask for; raises KwsError where they do not fit."""
    from kws.recognition.bundle import names_recognizer

    if speech.wake or speech.then:
        return _session(models, threshold, speech)
    recognizers = [model for model in models if names_recognizer(model)]
    if not recognizers:
        _refuse(
            speech.grammar or speech.spot or speech.boost or speech.language_model,
            "needs a recognizer: --model english, or --then english",
        )
        return _wake_words(models, threshold, speech)
    if len(models) > 1:
        raise KwsError(
            f"{recognizers[0]} is a recognizer; use it alone, or after a wake word: "
            f"--wake {DEFAULT_MODEL} --then {recognizers[0]}"
        )
    if isinstance(threshold, Budget):
        return _spotting(recognizers[0], threshold, speech)
    return _dictation(recognizers[0], threshold, speech)


def _wake_words(models: tuple[str, ...], threshold: float | Budget | None, speech: Speech) -> Engine:
    return load_engine(models, threshold, speech.delegate, speech.confirm, speech.confirm_threshold)


def _session(models: tuple[str, ...], threshold: float | Budget | None, speech: Speech) -> Engine:
    """A budget is the wake words' own; a plain threshold is that of the recognizer's grammar."""
    from kws.recognition.build import COMMAND, build_recognizer, parse_boost
    from kws.session import Session

    _refuse(speech.spot, "does not go with --wake")
    if models != (DEFAULT_MODEL,):
        raise KwsError("--model does not go with --wake and --then; name the wake word with --wake")
    if not speech.then:
        raise KwsError("--wake: say what comes after the wake word, for example --then english")
    budget = threshold if isinstance(threshold, Budget) else None
    _check_threshold(None if budget else threshold, speech)
    wake_words = _wake_words(speech.wake or (DEFAULT_MODEL,), budget, speech).wake_words
    with quiet_runtime():
        recognizer = build_recognizer(
            speech.then,
            grammar=speech.grammar,
            wake_words=[word.bundle.wake_word for word in wake_words],
            boost=parse_boost(speech.boost),
            threshold=None if isinstance(threshold, Budget) else threshold,
            endpoint=COMMAND,
            delegate=speech.delegate,
            rescore=speech.rescore,
            language_model=speech.language_model,
        )
    return Session(wake_words, recognizer)


def _spotting(model: str, budget: Budget, speech: Speech) -> Engine:
    """Phrases with the thresholds that keep to a budget, each its own; says on standard error which."""
    from kws.recognition.build import build_spotter
    from kws.session import Dictation

    if not speech.spot or speech.grammar or speech.boost or speech.language_model:
        raise KwsError("--max-false-alarms-per-day is for wake words and --spot; give --threshold")
    if budget.strict:
        raise KwsError("--strict: the thresholds of phrases are estimates for any speech; leave it out")
    with quiet_runtime():
        per_hour = budget.per_day / 24
        spotting = build_spotter(model, speech.spot, delegate=speech.delegate, false_alarms_per_hour=per_hour)
    for phrase, threshold in spotting.spotter.thresholds.items():
        click.echo(f"kws: {phrase}: threshold {threshold:g}", err=True)
    return Dictation(spotting)


def _dictation(model: str, threshold: float | None, speech: Speech) -> Engine:
    from kws.recognition.build import build_recognizer, build_spotter, parse_boost
    from kws.session import Dictation

    with quiet_runtime():
        if speech.spot:
            _refuse(speech.grammar or speech.boost or speech.language_model, "does not go with --spot")
            spotter = build_spotter(model, speech.spot, threshold=threshold, delegate=speech.delegate)
            return Dictation(spotter)
        _check_threshold(threshold, speech)
        recognizer = build_recognizer(
            model,
            grammar=speech.grammar,
            boost=parse_boost(speech.boost),
            threshold=threshold,
            delegate=speech.delegate,
            rescore=speech.rescore,
            language_model=speech.language_model,
        )
        return Dictation(recognizer)


def _check_threshold(threshold: object, speech: Speech) -> None:
    if threshold is not None and not speech.grammar:
        raise KwsError("--threshold: says when a sentence counts as said, and needs --grammar; leave it out")


def _refuse(given: object, why: str) -> None:
    if given:
        names = given if isinstance(given, str) else ", ".join(map(str, given))  # type: ignore[call-overload]
        raise KwsError(f"{names}: {why}")
