"""A second look by a recognizer: a wake word's candidates count where the word's spelling is heard too.

The recognizer's acoustic model hears the last 2.5 s, and a spotter looks for the word's phones there. It
writes a sound down a little late.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from kws.bundle import Bundle
from kws.confirmation_table import SecondStage, damaged, second_stage_of
from kws.confirmed import RECENT_SECONDS, THRESHOLD, ConfirmedWord
from kws.delegates import Delegate
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.lexicon import Spelling
from kws.recognition.rehearing import Rehearing
from kws.recognition.spotter import Spotter
from kws.recognition.stage_pool import StagePools
from kws.recognition.tokens import PHONES, LogProbs
from kws.types import Rows

LOOK_BACK_SECONDS = 2.5
"""Heard again at a candidate."""
WAIT_SECONDS = 0.16
"""How long a look may wait after it."""


class SecondLook:
    """Hears kept rows from a candidate on, and knows how well the phrase was heard there so far.

    Args:
        rehearing: hears the rows; other words may share it.
        ways: in which the phrase is written, in tokens.
    """

    def __init__(self, rehearing: Rehearing, ways: Sequence[Spelling]) -> None:
        self.rehearing, self._ways = rehearing, ways
        self.score = 0.0
        self._first = self._steps = 0

    @property
    def source(self) -> str:
        """Path of the recognizer."""
        return self.rehearing.recognizer

    @property
    def front_end(self) -> str:
        """What it hears, see kws.frontends."""
        return self.rehearing.front_end

    @property
    def back_seconds(self) -> float:
        """How much from before a candidate it hears."""
        return LOOK_BACK_SECONDS

    @property
    def wait_seconds(self) -> float:
        """How much from after it, at most."""
        return WAIT_SECONDS

    @property
    def step_rows(self) -> int:
        """Of the acoustic model."""
        return self.rehearing.step_rows

    def keep(self, first: int, rows: Rows) -> None:
        """Rows of which the first has this number; those that another word has handed over are skipped."""
        self.rehearing.rows.extend(first, rows)

    def open(self) -> None:
        """Load the recognizer, so that what is wrong with it is said now."""
        self.rehearing.open()

    def reset(self) -> None:
        """As new."""
        self.rehearing.reset()

    @cached_property
    def _spotter(self) -> Spotter:
        return Spotter({"": self._ways}, self.rehearing.step_seconds)

    def begin(self, first: int, last: int) -> None:
        """Hear rows `first` up to `last`; the phrase counts where it ends within the last second of them."""
        self._spotter.reset()
        self._first, self._steps = first, 0
        recent = round(RECENT_SECONDS / self.rehearing.step_seconds)
        self.score = self._best(self.rehearing.log_probs(first, last), recent)

    def push(self, last: int) -> None:
        """Go on listening up to a row."""
        self.score = max(self.score, self._best(self.rehearing.log_probs(self._first, last)))

    def finish(self, last: int) -> None:
        """Listen no more: what the acoustic model still holds back there is all that follows."""
        self.score = max(self.score, self._best(self.rehearing.with_the_rest(self._first, last)))

    def _best(self, log_probs: LogProbs, recent: int | None = None) -> float:
        """The highest score in the steps that are new, or in the last few of them."""
        track = self._spotter.scores(log_probs[self._steps :])
        self._steps = len(log_probs)
        return float(track[-recent if recent else 0 :].max(initial=0))


def rehearing_of(
    recognizer: RecognizerBundle, delegate: Delegate | None = None, pools: StagePools | None = None
) -> Rehearing:
    """What hears again for any number of words of one engine, by a stage of these pools or one of its own."""
    stages = (pools or StagePools()).of(recognizer, delegate)
    kept = LOOK_BACK_SECONDS + WAIT_SECONDS
    return Rehearing(stages, recognizer.front_end, kept, str(recognizer.manifest_path))


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
    look = SecondLook(rehearing, _ways(bundle, recognizer, measured))
    if not measured:
        rehearing.open()
    enough = THRESHOLD if least is None else least
    return ConfirmedWord(bundle, look, threshold=threshold, least=enough, delegate=delegate)


def _ways(bundle: Bundle, recognizer: RecognizerBundle, measured: SecondStage | None) -> Sequence[Spelling]:
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
