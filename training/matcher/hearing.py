"""What the matcher hears: rows of the published embedding, beside them the phones that a recognizer hears.

A row comes every 80 ms. Its first columns are the embedding's; the others are log-probabilities of the
recognizer's phones, as its spotter takes them, at the two steps of 40 ms that end with the row.
"""

from __future__ import annotations

import numpy as np

from kws.encoders.speech_embedding import SpeechEmbeddingConfig
from kws.frontends import SPEECH_EMBEDDING, new_front_end
from kws.recognition.build import spotting_stage
from kws.recognition.bundle import find_recognizer
from kws.recognition.recognizer import AcousticStage
from kws.recognition.tokens import PHONES, LogProbs
from kws.standard_error import silenced
from kws.types import Rows, Samples

RECOGNIZER = "english"
EMBEDDED = SpeechEmbeddingConfig.values
STEPS = 2
"""Of the recognizer in a row."""
COLUMNS = EMBEDDED + STEPS * len(PHONES)

HEARS = {
    "embedding": slice(0, EMBEDDED),
    "phones": slice(EMBEDDED, COLUMNS),
    "both": slice(0, COLUMNS),
}
"""Which columns a matcher takes."""

_EARLY = 1
"""Steps of the recognizer that end before the first row begins to: it is 0.48 s into a quiet room when the
audio begins, so that its steps end 15, 55 and 95 ms after that, and the first row after 95 ms."""
_PER_NAT = 15.0
"""int8 steps; what is less likely than exp(-8.5) counts as that."""


class Ears:
    """Hears one stream, piece by piece."""

    def __init__(self) -> None:
        with silenced():  # LiteRT tells of every model that it opens
            self._embedding = new_front_end(SPEECH_EMBEDDING)
            self._recognizer = recognizer_stage()
        self._audio = new_front_end(self._recognizer.front_end)
        self._embedded: list[Rows] = []
        self._steps: list[LogProbs] = []

    def hear(self, samples: Samples) -> None:
        """The next ones, int16, shape (n,)."""
        self._embedded.append(self._embedding.push(samples))
        self._steps.append(self._recognizer.push(self._audio.push(samples)))

    def rows(self) -> Rows:
        """Of all that was heard, int8, shape (t, COLUMNS)."""
        return paired(np.concatenate(self._embedded), np.concatenate(self._steps))


def recognizer_stage() -> AcousticStage:
    """As new."""
    return spotting_stage(find_recognizer(RECOGNIZER))


def paired(embedded: Rows, steps: LogProbs) -> Rows:
    """Rows of the embedding (t, EMBEDDED) and steps of the recognizer, both from a stream's beginning on."""
    later = steps[_EARLY:]
    count = min(len(embedded), len(later) // STEPS)
    phones = np.clip(np.rint(later[: STEPS * count] * _PER_NAT), -127, 0).astype(np.int8)
    return np.hstack([embedded[:count], phones.reshape(count, -1)])
