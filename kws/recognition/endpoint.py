"""Where an utterance ends: at a pause, a shorter one after a whole sentence, or when it grows too long."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from kws.recognition.tokens import BLANK, LogProbs


@dataclass(frozen=True)
class EndpointConfig:
    """Times in seconds."""

    silence: float = 1.6
    """Pause that ends an utterance, whatever was said."""
    silence_after_sentence: float = 0.7
    """Pause that ends it once a whole sentence has been said."""
    longest: float = 20.0
    """From the first sound of speech on; then it is cut off."""
    patience: float | None = None
    """How long to wait for speech; None: for ever."""
    blank: float = 0.8
    """Probability of the blank below which a step counts as speech."""


class End(Enum):
    """What a step means for the utterance."""

    NOT_YET = 0
    SPOKEN = 1
    """It has ended."""
    SILENT = 2
    """Nobody has spoken, and the patience is used up."""


class Endpoint:
    """Follows one utterance, a step at a time."""

    def __init__(self, config: EndpointConfig, step_seconds: float) -> None:
        self._log_blank = math.log(config.blank)
        self._silence = round(config.silence / step_seconds)
        self._after_sentence = round(config.silence_after_sentence / step_seconds)
        self._longest = round(config.longest / step_seconds)
        self._patience = math.inf if config.patience is None else round(config.patience / step_seconds)
        self.reset()

    def reset(self, waited: int = 0) -> None:
        """As new; so many steps of the patience are used up."""
        self._waited = waited
        self.step = 0
        self._first = -1  # step of the first speech
        self._quiet = 0  # steps since the last

    @property
    def heard(self) -> bool:
        """Whether anyone has spoken."""
        return self._first >= 0

    @property
    def spoken_until(self) -> int:
        """One past the last step with speech."""
        return self.step - self._quiet

    def push(self, row: LogProbs, at_end: Callable[[], bool]) -> End:
        """One step, shape (tokens,); `at_end` is asked, once a pause is long enough, for a whole sentence."""
        speaks = float(row[BLANK]) < self._log_blank
        if speaks and not self.heard:
            self._first = self.step
        self._quiet = 0 if speaks else self._quiet + 1
        self.step += 1
        if not self.heard:
            return End.SILENT if self._waited + self.step >= self._patience else End.NOT_YET
        if self._quiet >= self._silence or self.step - self._first >= self._longest:
            return End.SPOKEN
        return End.SPOKEN if self._quiet >= self._after_sentence and at_end() else End.NOT_YET
