"""From names to an engine, each wake word with a second stage that was measured with it or asked for."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from kws.bundle import Bundle, find_bundle
from kws.delegates import Delegate
from kws.engine import Engine, WakeWord
from kws.errors import KwsError
from kws.runtimes import LITERT, chosen

AUTO = "auto"
"""The second stage that stands in the wake word's manifest, where it can run."""
NONE = "none"

_log = logging.getLogger(__name__)


def load(
    *models: str | Path,
    threshold: float | None = None,
    reference_kernels: bool = False,
    delegate: Delegate | None = None,
    engine: str = "",
    confirm: str = AUTO,
) -> Engine:
    """An Engine for bundled names or paths of bundles; `threshold` overrides the models' own.

    A `delegate` computes what it takes of the models, see kws.delegates;
    the `engine` computes the rest, "litert" or "c99", see kws.runtimes. `confirm` is the recognizer that must
    hear a word's spelling as well, "none", or "auto", see `wake_word`.

    Raises:
        BundleError: a model is missing or unfit; the text names it and the remedy.
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise ValueError(f"threshold is {threshold}, allowed are 0 to 1")
    if not models:
        raise ValueError('name at least one model, for example load("computer")')
    bundles = [replace(find_bundle(model), engine=engine) for model in models]
    if reference_kernels:
        plain: dict[str, Any] = {"threshold": threshold, "reference_kernels": True, "delegate": delegate}
        return Engine([WakeWord(bundle, **plain) for bundle in bundles])
    how: dict[str, Any] = {"confirm": confirm, "threshold": threshold, "delegate": delegate}
    return Engine([wake_word(bundle, **how) for bundle in bundles])


def wake_word(
    bundle: Bundle,
    *,
    confirm: str = AUTO,
    threshold: float | None = None,
    least: float | None = None,
    delegate: Delegate | None = None,
) -> WakeWord:
    """A wake word, with the second stage that `confirm` names.

    Args:
        bundle: of the wake word.
        confirm: a recognizer's bundled name or path; NONE; or AUTO, which with a `threshold` is none.
        threshold: of the wake word's own model.
        least: score that the spelling must reach in the second stage.
        delegate: what computes the models, see kws.delegates.

    Raises:
        BundleError, GrammarError: a model is unfit; the text says why.
    """
    if confirm == AUTO:
        confirm = default_recognizer(bundle) if threshold is None and least is None else NONE
    if confirm == NONE:
        return WakeWord(bundle, threshold=threshold, delegate=delegate)
    from kws.recognition.confirmation import confirmed_by

    return confirmed_by(confirm, bundle, threshold=threshold, least=least, delegate=delegate)


def default_recognizer(bundle: Bundle) -> str:
    """The one that the wake word was measured with, or NONE where there is none, or it cannot run here."""
    named = bundle.manifest.get("kws", {}).get("confirmation", {}).get("default")
    if not named or chosen(bundle.engine) != LITERT:
        return NONE
    from kws.recognition.bundle import find_recognizer
    from kws.recognition.confirmation_table import second_stage_of

    try:
        recognizer = find_recognizer(str(named.get("recognizer")))
        recognizer.require_encoder()
        measured = second_stage_of(bundle, recognizer)
    except KwsError as error:
        _log.info("%s: no second stage (%s)", bundle.name, error)
        return NONE
    return measured.recognizer if measured else NONE
