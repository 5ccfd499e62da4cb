"""The rescorers that a recognizer may have beside it, by the names that commands and configurations use."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kws.errors import KwsError
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.neural_lm import neural_lm_of, neural_lm_path
from kws.recognition.rescoring import Rescorer, Several
from kws.recognition.second_pass import second_pass_of

RESCORERS: dict[str, Callable[[RecognizerBundle], Rescorer]] = {
    "second-pass": second_pass_of,
    "neural-lm": neural_lm_of,
}


NONE = "none"
"""Among the names: no rescorer, not even the usual one."""


def rescorer_of(bundle: RecognizerBundle, names: Sequence[str], *, free: bool = False) -> Rescorer | None:
    """One that adds up those named; None for none.

    Without any name `free` text is judged by the neural language model, if the recognizer has one beside
    it; a grammar is not, as that disturbs lists of commands (docs/experiments/recognizer.md).

    Raises:
        KwsError: no such rescorer.
        BundleError: the recognizer has none of that kind.
    """
    if free and not names:
        names = ["neural-lm"] if neural_lm_path(bundle).is_file() else []
    unknown = [name for name in names if name not in (*RESCORERS, NONE)]
    if unknown:
        raise KwsError(f"{unknown[0]}: no such rescorer; there are {', '.join((*RESCORERS, NONE))}")
    found = [RESCORERS[name](bundle) for name in dict.fromkeys(names) if name != NONE]
    return Several(found) if found else None
