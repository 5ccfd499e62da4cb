"""The rescorers that a recognizer may have beside it, by the names that commands and configurations use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kws.errors import KwsError
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.neural_lm import neural_lm_of
from kws.recognition.rescoring import Rescorer, Several
from kws.recognition.second_pass import second_pass_of

RESCORERS: dict[str, Callable[[RecognizerBundle], Rescorer]] = {
    "second-pass": second_pass_of,
    "neural-lm": neural_lm_of,
}


def rescorer_of(bundle: RecognizerBundle, names: Sequence[str]) -> Rescorer | None:
    """One that adds up those named; None for no names.

    Raises:
        KwsError: no such rescorer.
        BundleError: the recognizer has none of that kind.
    """
    unknown = [name for name in names if name not in RESCORERS]
    if unknown:
        raise KwsError(f"{unknown[0]}: no such rescorer; there are {', '.join(RESCORERS)}")
    found = [RESCORERS[name](bundle) for name in dict.fromkeys(names)]
    return Several(found) if found else None
