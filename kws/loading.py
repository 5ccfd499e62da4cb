"""From names to an engine, each wake word with a second stage that was measured with it or asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kws.bundle import Bundle, find_bundle
from kws.delegates import Delegate
from kws.encoders.speech_embedding import PACKAGE
from kws.engine import Engine, WakeWord
from kws.errors import BundleError, KwsError
from kws.frontends import MICRO
from kws.runtimes import LITERT, chosen

if TYPE_CHECKING:
    from kws.recognition.bundle import RecognizerBundle
    from kws.recognition.rehearing import Rehearing
    from kws.recognition.stage_pool import StagePools

AUTO = "auto"
"""The second stage that stands in the wake word's manifest, where it can run."""
NONE = "none"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wanted:
    """One wake word as it is asked for."""

    bundle: Bundle
    confirm: str = AUTO
    """The second stage: name or path of a recognizer; NONE; or AUTO, which with a `threshold` is none."""
    threshold: float | None = None
    """Of the wake word's own model, if not its own."""
    least: float | None = None
    """Score that the spelling must reach in the second stage, if not the measured one."""
    delegate: Delegate | None = None
    """What computes the models, see kws.delegates."""
    reference_kernels: bool = False
    """As `kws.model.StreamingModel` has it; AUTO is none then."""


def confirm_problem(text: str) -> str:
    """What is allowed as `Wanted.confirm` if this is not, "" if it is."""
    return "" if text.strip() else f'name or path of a recognizer, "{NONE}", or "{AUTO}"'


def load(
    *models: str | Path,
    threshold: float | None = None,
    reference_kernels: bool = False,
    delegate: Delegate | None = None,
    engine: str = "",
    confirm: str = AUTO,
    confirm_threshold: float | None = None,
) -> Engine:
    """An Engine for bundled names or paths of bundles; `threshold` overrides the models' own.

    A `delegate` computes what it takes of the models, see kws.delegates;
    the `engine` computes the rest, "litert" or "c99", see kws.runtimes. `confirm` is the recognizer that must
    hear a word's spelling as well, by a score of `confirm_threshold`; "none"; or "auto", see `Wanted`.

    Raises:
        BundleError: a model is missing or unfit; the text names it and the remedy.
    """
    for name, given in (("threshold", threshold), ("confirm_threshold", confirm_threshold)):
        if given is not None and not 0 <= given <= 1:
            raise ValueError(f"{name} is {given}, allowed are 0 to 1")
    if not models:
        raise ValueError('name at least one model, for example load("computer")')
    bundles = [replace(find_bundle(model), engine=engine) for model in models]
    return Engine(
        wake_words(
            Wanted(bundle, confirm, threshold, confirm_threshold, delegate, reference_kernels)
            for bundle in bundles
        )
    )


def wake_words(wanted: Iterable[Wanted], pools: StagePools | None = None) -> list[WakeWord]:
    """The words of one engine: those with the same recognizer as second stage share it.

    Engines of the same `pools` share it as well, each in any one thread at a time.

    Raises:
        BundleError, GrammarError: a model is unfit; the text says why.
        KwsError: what is asked for makes no sense.
    """
    opened: dict[tuple[Path, str], Rehearing] = {}
    return [_wake_word(one, opened, pools) for one in wanted]


def _wake_word(one: Wanted, opened: dict[tuple[Path, str], Rehearing], pools: StagePools | None) -> WakeWord:
    recognizer = _second_stage(one)
    if recognizer is None:
        return WakeWord(
            one.bundle,
            threshold=one.threshold,
            reference_kernels=one.reference_kernels,
            delegate=one.delegate,
        )
    from kws.recognition.confirmation import confirmed_word, rehearing_of

    key = recognizer.manifest_path.resolve(), str(one.delegate or "")
    if key not in opened:
        opened[key] = rehearing_of(recognizer, one.delegate, pools)
    return confirmed_word(
        one.bundle,
        recognizer,
        opened[key],
        threshold=one.threshold,
        least=one.least,
        delegate=one.delegate,
    )


def _second_stage(one: Wanted) -> RecognizerBundle | None:
    if problem := confirm_problem(one.confirm):
        raise KwsError(f'{one.bundle.name}: confirm: found "{one.confirm}"; allowed is {problem}')
    if one.confirm not in (AUTO, NONE):
        from kws.recognition.bundle import find_recognizer

        return find_recognizer(one.confirm)
    if one.least is not None:
        raise KwsError(
            f"{one.bundle.name}: --confirm-threshold (confirm_threshold) is that of a second stage; "
            "name it with --confirm (confirm)"
        )
    as_measured = one.confirm == AUTO and one.threshold is None and not one.reference_kernels
    return default_recognizer(one.bundle) if as_measured else None


def default_recognizer(bundle: Bundle) -> RecognizerBundle | None:
    """The one that the wake word was measured with; None where there is none, or it cannot run here.

    Raises:
        BundleError: the wake word's manifest says something of it that makes no sense, or it is damaged.
    """
    from kws.recognition.confirmation_table import default_recognizer_of, second_stage_of

    name = default_recognizer_of(bundle) if chosen(bundle.engine) == LITERT else None
    if name is None:
        return None
    recognizer = _found(name, bundle)
    if recognizer.front_end != MICRO and find_spec(PACKAGE) is None:
        _log.info(
            "%s: no second stage: pip install 'kws[encoder]' brings what %s hears with", bundle.name, name
        )
        return None
    recognizer.require_encoder()
    if second_stage_of(bundle, recognizer) is None:
        _log.info("%s: no second stage: it was not measured with this %s", bundle.name, name)
        return None
    return recognizer


def _found(name: str, bundle: Bundle) -> RecognizerBundle:
    from kws.recognition.bundle import find_recognizer

    try:
        return find_recognizer(name)
    except BundleError as error:
        raise BundleError(
            f"{bundle.manifest_path}: its second stage: {error}; or do without one: --confirm none"
        ) from error
