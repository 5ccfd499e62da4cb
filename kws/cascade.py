"""Which stages a wake word has where nobody says otherwise."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from kws.bundle import MODELS, Bundle, find_bundle, is_bundled, read_bundle
from kws.confirmation_table import (
    Second,
    default_members,
    default_weights,
    how_to_measure,
    second_stage_of,
)
from kws.encoders.speech_embedding import PACKAGE
from kws.errors import BundleError
from kws.frontends import MICRO, MICRO_EMBEDDING
from kws.fusion import Fusion, Member
from kws.manifest import is_recognizer
from kws.runtimes import LITERT, chosen

HEADS = MODELS / "heads"
"""The bundled words once more, as heads on the published encoder: they propose, and the models for devices
decide."""


def stages_of(bundle: Bundle) -> tuple[Bundle, Second | None]:
    """What hears this word by default: what proposes and what decides, or the model alone.

    Raises:
        BundleError: a manifest says something that makes no sense, or a model is damaged.
    """
    first = proposer(bundle)
    second = default_second(first)
    return (first, second) if second else (bundle, None)


def proposer(bundle: Bundle) -> Bundle:
    """The first of two stages: of a bundled word its head, where that can run, else the model itself.

    Raises:
        BundleError: the head is damaged.
    """
    head = HEADS / f"{bundle.name}.json"
    if bundle.manifest_path.parent != MODELS or not head.is_file() or not _can_run_encoder(bundle):
        return bundle
    return replace(read_bundle(head), engine=bundle.engine)


def default_second(bundle: Bundle) -> Second | None:
    """What the wake word was measured with; None where there is nothing, or it cannot run here.

    Raises:
        BundleError: the wake word's manifest says something of it that makes no sense, or it is damaged.
    """
    names = default_members(bundle) if chosen(bundle.engine) == LITERT else []
    members = [_found(name, bundle) for name in names]
    if not members or not all(_can_run(member, bundle) for member in members):
        return None
    second = members[0] if len(members) == 1 else Fusion(tuple(members), default_weights(bundle))
    if second_stage_of(bundle, second) is None:
        _warn(
            "%s: no second stage: it was not measured with this %s; run %s",
            bundle.name,
            second.name,
            how_to_measure(bundle),
        )
        return None
    return second


def _can_run(second: Member, bundle: Bundle) -> bool:
    if second.front_end not in (MICRO, MICRO_EMBEDDING) and not _can_run_encoder(bundle):
        _say(
            "%s: no second stage: pip install 'kws[encoder]' brings what %s hears with",
            bundle.name,
            second.name,
        )
        return False
    if not isinstance(second, Bundle):
        second.require_encoder()
    return True


def files_beside(bundle: Bundle) -> dict[str, Path]:
    """What goes wherever the bundle is copied, besides its own two files: path from its folder on -> file.

    Raises:
        BundleError: one of them is not there, or the manifest says something that makes no sense.
    """
    found = {}
    for name in default_members(bundle):
        if "/" in name and not Path(name).is_absolute():
            member = _found(name, bundle)
            for file in (member.manifest_path, member.model_path):
                found[f"{Path(name).parent}/{file.name}"] = file
    return found


def find_second(name_or_path: str | Path) -> Member:
    """A second stage by its name or path: a recognizer, or a wake-word model.

    Raises:
        BundleError: nothing there, or it cannot be used; the text says what to do.
    """
    path = Path(name_or_path)
    is_model = path.is_file() and not is_recognizer(path.with_suffix(".json"))
    if is_model or is_bundled(str(name_or_path)):
        return find_bundle(name_or_path)
    from kws.recognition.bundle import find_recognizer

    return find_recognizer(name_or_path)


def _say(text: str, *values: str) -> None:
    import logging

    logging.getLogger(__name__).info(text, *values)


def _warn(text: str, *values: str) -> None:
    import logging

    logging.getLogger(__name__).warning(text, *values)


def _can_run_encoder(bundle: Bundle) -> bool:
    return chosen(bundle.engine) == LITERT and find_spec(PACKAGE) is not None


def _found(name: str, bundle: Bundle) -> Member:
    """A path is one from the wake word's own folder on."""
    path = bundle.manifest_path.parent / name
    try:
        if "/" in name and not path.is_file():
            raise BundleError(f"{path} is not there; copy it with the model")
        return find_second(path if "/" in name else name)
    except BundleError as error:
        raise BundleError(
            f"{bundle.manifest_path}: its second stage: {error}; or do without one: --confirm none"
        ) from error
