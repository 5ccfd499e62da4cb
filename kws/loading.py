"""From names to an engine, each wake word with a second stage that was measured with it or asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kws.bundle import Bundle, find_bundle
from kws.cascade import find_second, stages_of
from kws.confirmation_table import Second, second_stage_of
from kws.engine import Engine, WakeWord
from kws.errors import KwsError
from kws.frontends import WAVEFORM
from kws.fusion import Fusion
from kws.second_opinion import KeptAudio, second_opinion, word_with_second_opinion

if TYPE_CHECKING:
    from kws.delegates import Delegate
    from kws.look import Look
    from kws.recognition.bundle import RecognizerBundle
    from kws.rehearing import Rehearing
    from kws.stage_pool import StagePools

AUTO = "auto"
"""The second stage that stands in the wake word's manifest, where it can run."""
NONE = "none"


@dataclass(frozen=True)
class Wanted:
    """One wake word as it is asked for."""

    bundle: Bundle
    confirm: str = AUTO
    """The second stage: name or path of a recognizer, or of another model of the word; NONE; or AUTO, which
    with a `threshold`, but no `least`, is none."""
    threshold: float | None = None
    """Of the wake word's own model, if not its own."""
    least: float | None = None
    """Score that the second stage must give, if not the measured one."""
    delegate: Delegate | None = None
    """What computes the models, see kws.delegates."""
    reference_kernels: bool = False
    """As `kws.model.StreamingModel` has it; AUTO is none then."""


def confirm_problem(text: str) -> str:
    """What is allowed as `Wanted.confirm` if this is not, "" if it is."""
    return "" if text.strip() else f'name or path of a recognizer or a model, "{NONE}", or "{AUTO}"'


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
    the `engine` computes the rest, "litert" or "c99", see kws.runtimes. `confirm` is the recognizer or other
    model that must hear a word as well, by a score of `confirm_threshold`; "none"; or "auto", see `Wanted`.

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
    shared = _Shared(pools, KeptAudio(pools))
    return [_wake_word(one, shared) for one in wanted]


@dataclass
class _Shared:
    """What second stages of one engine have in common."""

    pools: StagePools | None
    kept: KeptAudio
    recognizers: dict[tuple[Path, str], Rehearing] = field(default_factory=dict)


def _wake_word(one: Wanted, shared: _Shared) -> WakeWord:
    first, second = _stages(one)
    if second is None:
        return WakeWord(
            first,
            threshold=one.threshold,
            reference_kernels=one.reference_kernels,
            delegate=one.delegate,
        )
    if isinstance(second, Fusion):
        return _fused_word(one, first, second, shared)
    if isinstance(second, Bundle):
        return word_with_second_opinion(
            first,
            second,
            shared.kept,
            threshold=one.threshold,
            least=one.least,
            delegate=one.delegate,
        )
    from kws.recognition.confirmation import confirmed_word

    rehearing = _rehearing(second, one.delegate, shared)
    return confirmed_word(
        first, second, rehearing, threshold=one.threshold, least=one.least, delegate=one.delegate
    )


def _rehearing(recognizer: RecognizerBundle, delegate: Delegate | None, shared: _Shared) -> Rehearing:
    from kws.recognition.confirmation import rehearing_of

    key = recognizer.manifest_path.resolve(), str(delegate or "")
    if key not in shared.recognizers:
        audio = shared.kept.audio if recognizer.front_end == WAVEFORM else None
        shared.recognizers[key] = rehearing_of(recognizer, delegate, shared.pools, audio)
    return shared.recognizers[key]


def _fused_word(one: Wanted, first: Bundle, second: Fusion, shared: _Shared) -> WakeWord:
    """A wake word whose candidates all members of its second stage judge together."""
    from kws.confirmed import ConfirmedWord
    from kws.recognition.confirmation import SecondLook, spellings_of
    from kws.several_looks import SeveralLooks

    stage = second_stage_of(first, second)
    assert stage is not None  # as it is the default one
    looks = []
    for member, weight in zip(second.members, second.weights, strict=True):
        if isinstance(member, Bundle):
            look: Look = second_opinion(first, member, shared.kept, one.delegate)
        else:
            rehearing = _rehearing(member, one.delegate, shared)
            look = SecondLook(rehearing, spellings_of(first, member, stage))
        looks.append((look, weight))
    both = SeveralLooks(looks)
    return ConfirmedWord(
        first,
        both,
        threshold=stage.threshold if one.threshold is None else one.threshold,
        least=stage.least if one.least is None else one.least,
        weight=both.weight,
        delegate=one.delegate,
    )


def _stages(one: Wanted) -> tuple[Bundle, Second | None]:
    """The model that proposes, and what decides."""
    if problem := confirm_problem(one.confirm):
        raise KwsError(f'{one.bundle.name}: confirm: found "{one.confirm}"; allowed is {problem}')
    if one.confirm not in (AUTO, NONE):
        return one.bundle, find_second(one.confirm)
    is_alone = one.confirm == NONE or one.reference_kernels
    both = one.threshold is not None and one.least is not None
    first, second = one.bundle, None
    if not is_alone and (both or one.threshold is None):
        first, second = stages_of(one.bundle)
    if one.least is not None and (second is None or not both):
        raise KwsError(
            f"{one.bundle.name}: --confirm-threshold (confirm_threshold) is that of a second stage; "
            "name it with --confirm (confirm)"
        )
    return first, second
