"""The second stage that a new head gets: the bundled recognizer, at thresholds estimated, not measured.

A head is judged on embeddings of other speech; the recognizer needs the audio, which is not there. So each
stage gets a threshold by its own rate: the head's from its table, the spelling's from what the
recognizer knows of phrases that nobody said (kws.recognition.alarm_rate). Together they fire far more seldom
than either. How much so on people's speech stands in docs/experiments/embedding-heads.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from kws.errors import KwsError
from kws.evaluation import CalibrationRow
from kws.recognition.alarm_rate import alarm_rate_of
from kws.recognition.bundle import find_recognizer
from kws.recognition.spelling import phrase_spellings
from kws.recognition.tokens import PHONES
from training.confirmation import confirmation

RECOGNIZER = "english"
HEAD_PER_HOUR = 20.0
"""False alarms of the head by itself."""
SPELLING_PER_HOUR = 2.0
"""And of the spelling by itself, everywhere in ordinary speech."""


def second_stage(phrase: str, table: Sequence[CalibrationRow], tflite: bytes) -> dict[str, Any] | None:
    """What goes into the manifest as `kws.confirmation`; None where nobody knows how the phrase is said.

    Args:
        phrase: as it is spelled.
        table: of the head.
        tflite: the head, since thresholds are those of one pair of models.
    """
    fitting = [row for row in table if row.false_alarms.per_hour <= HEAD_PER_HOUR]
    if not fitting:
        return None
    try:
        recognizer = find_recognizer(RECOGNIZER)
        ways = phrase_spellings(phrase, PHONES)
        least = alarm_rate_of(recognizer).threshold(ways, SPELLING_PER_HOUR)
    except KwsError:
        return None
    return confirmation(
        hashlib.sha256(tflite).hexdigest(),
        recognizer,
        (min(row.threshold for row in fitting), round(least, 4)),
        ways,
        estimated=f"{HEAD_PER_HOUR:g} false alarms an hour of the head alone, "
        f"{SPELLING_PER_HOUR:g} of the spelling alone",
    )
