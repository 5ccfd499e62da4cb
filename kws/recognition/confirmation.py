"""A second look by a recognizer: a wake word's candidates count where the word's spelling is heard too.

The recognizer's acoustic model hears the last 2.5 s, and a spotter looks for the word's phones there. It
writes a sound down a little late.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from kws.bundle import Bundle
from kws.confirmation_table import SecondStage, damaged, second_stage_of
from kws.confirmed import THRESHOLD, ConfirmedWord
from kws.delegates import Delegate
from kws.look_again import LookAgain, Track
from kws.recent_rows import RecentRows
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.lexicon import Spelling
from kws.recognition.spotter import Spotter
from kws.recognition.tokens import PHONES
from kws.rehearing import Rehearing
from kws.stage_pool import HearingStage, StagePools, Steps

LOOK_BACK_SECONDS = 2.5
"""Heard again at a candidate."""
WAIT_SECONDS = 0.16
"""How long a look may wait after it."""


class SecondLook(LookAgain):
    """A Look that knows how well a phrase was heard.

    Args:
        rehearing: by a recognizer.
        ways: in which the phrase is written, in tokens.
    """

    def __init__(self, rehearing: Rehearing, ways: Sequence[Spelling]) -> None:
        super().__init__(rehearing, back_seconds=LOOK_BACK_SECONDS, wait_seconds=WAIT_SECONDS)
        self._ways = ways

    @cached_property
    def _spotter(self) -> Spotter:
        return Spotter({"": self._ways}, self.rehearing.step_seconds)

    def scores(self, steps: Steps, *, afresh: bool) -> Track:
        """Of the phrase, by log-probabilities of tokens."""
        if afresh:
            self._spotter.reset()
        return self._spotter.scores(steps)[:, 0]


def rehearing_of(
    recognizer: RecognizerBundle,
    delegate: Delegate | None = None,
    pools: StagePools | None = None,
    rows: RecentRows | None = None,
) -> Rehearing:
    """What hears again for any number of words of one engine, by a stage of these pools or one of its own.

    Without `rows` that others keep too, of LOOK_BACK_SECONDS at least, it keeps some for itself.
    """

    def stage() -> HearingStage:
        from kws.recognition.build import spotting_stage

        return spotting_stage(recognizer, delegate)

    key = str(recognizer.manifest_path.resolve()), recognizer.model_sha256, str(delegate or "")
    stages = (pools or StagePools()).of(stage, *key)
    kept = LOOK_BACK_SECONDS + WAIT_SECONDS
    return Rehearing(stages, recognizer.front_end, kept, str(recognizer.manifest_path), rows)


def confirmed_word(
    bundle: Bundle,
    recognizer: RecognizerBundle,
    rehearing: Rehearing,
    *,
    threshold: float | None = None,
    least: float | None = None,
    delegate: Delegate | None = None,
) -> ConfirmedWord:
    """A wake word with a recognizer as its second stage.

    Args:
        bundle: of the wake word.
        recognizer: of the second stage.
        rehearing: by that recognizer.
        threshold: of the wake word's own model. Without it and `least`, both are those that were measured for
            this pair of models, or else the model's own and THRESHOLD.
        least: score that the spelling must reach, if not THRESHOLD.
        delegate: what computes the wake word's model, see kws.delegates.

    Raises:
        BundleError, GrammarError: one of them is unfit; the text says why.
    """
    measured = second_stage_of(bundle, recognizer)
    if measured and threshold is None and least is None:
        threshold, least = measured.threshold, measured.least
    look = SecondLook(rehearing, spellings_of(bundle, recognizer, measured))
    if not measured:
        rehearing.open()
    enough = THRESHOLD if least is None else least
    return ConfirmedWord(bundle, look, threshold=threshold, least=enough, delegate=delegate)


def spellings_of(
    bundle: Bundle, recognizer: RecognizerBundle, measured: SecondStage | None
) -> Sequence[Spelling]:
    """To write the wake word; raises GrammarError where nobody knows how it is said."""
    if measured:
        return _measured_ways(bundle, measured)
    from kws.recognition.build import spotting_tokens
    from kws.recognition.spelling import phrase_spellings

    return phrase_spellings(bundle.wake_word, spotting_tokens(recognizer))


def _measured_ways(bundle: Bundle, measured: SecondStage) -> Sequence[Spelling]:
    try:
        ways = [PHONES.encode(tuple(way.split())) for way in measured.spellings]
    except (KeyError, AttributeError) as error:
        why = f"no phone is called {error}" if isinstance(error, KeyError) else error
        raise damaged(bundle, f"default cannot be used ({why})") from error
    if not ways or not all(ways):
        raise damaged(bundle, "default cannot be used (a spelling without phones)")
    return ways
