"""From a configuration's words to the objects they ask for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kws.bundle import find_bundle
from kws.config import Config
from kws.config_keys import ModelSettings, SpeechSettings
from kws.delegates import Delegate, parse_delegate
from kws.engine import Engine, WakeWord
from kws.loading import Wanted, wake_words

if TYPE_CHECKING:
    from kws.session import Dictation
    from kws.stage_pool import StagePools


def build_engine(config: Config) -> Engine:
    """The wake words, and after each a command where there is a recognizer; all of it is loaded at once.

    Raises:
        KwsError: something of it is unfit.
    """
    words, speech = _wake_words(config.model), config.speech
    for word in words:
        word.open()
    if not speech.recognizer:
        return Engine(words)
    from kws.recognition.build import COMMAND, build_recognizer
    from kws.session import Session

    recognizer = build_recognizer(
        speech.recognizer,
        grammar=speech.grammar or None,
        wake_words=[word.bundle.wake_word for word in words],
        threshold=speech.threshold,
        endpoint=COMMAND,
        delegate=_delegate(speech.delegate),
        rescore=speech.rescore,
        language_model=speech.language_model or None,
    )
    return Session(words, recognizer)


def build_spotting(models: Sequence[ModelSettings]) -> Engine:
    """The wake words alone, on one front end, each with its own threshold; raises BundleError."""
    return Engine(_wake_words(models))


def spotting_of(models: Callable[[], Sequence[ModelSettings]]) -> Callable[[], Engine]:
    """A function that makes engines of the wake words as they are then, for as many threads as processors.

    Their second stages share what hears again.
    """
    from kws.stage_pool import StagePools

    pools = StagePools(os.cpu_count() or 1)
    return lambda: Engine(_wake_words(models(), pools))


def dictation_of(speech: SpeechSettings) -> Callable[[], Dictation] | None:
    """A function that makes recognizers of all that is said, or None where there is none to be had."""
    if not speech.recognizer:
        return None
    from kws.recognition.build import build_recognizer
    from kws.session import Dictation

    def dictation() -> Dictation:
        recognizer = build_recognizer(
            speech.recognizer,
            grammar=speech.grammar or None,
            threshold=speech.threshold,
            delegate=_delegate(speech.delegate),
            rescore=speech.rescore,
            language_model=speech.language_model or None,
        )
        return Dictation(recognizer)

    return dictation


def language_of(speech: SpeechSettings) -> str:
    """Of the recognizer, "" without one; raises BundleError."""
    if not speech.recognizer:
        return ""
    from kws.recognition.bundle import find_recognizer

    return find_recognizer(speech.recognizer).language


def _wake_words(models: Sequence[ModelSettings], pools: StagePools | None = None) -> list[WakeWord]:
    return wake_words(map(_wanted, models), pools)


def _wanted(model: ModelSettings) -> Wanted:
    bundle, delegate = find_bundle(model.name), _delegate(model.delegate)
    return Wanted(bundle, model.confirm, model.threshold, model.confirm_threshold, delegate)


def _delegate(text: str) -> Delegate | None:
    return parse_delegate(text) if text else None
