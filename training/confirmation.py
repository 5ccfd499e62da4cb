"""What a wake word's manifest says of its second stage; kws.recognition.confirmation_table reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kws.recognition.bundle import RecognizerBundle
from kws.recognition.confirmation_table import ConfirmationPoint
from kws.recognition.lexicon import Spelling
from kws.recognition.tokens import PHONES


def confirmation(
    model_sha256: str,
    recognizer: RecognizerBundle,
    thresholds: tuple[float, float],
    ways: Sequence[Spelling],
    points: Sequence[ConfirmationPoint] = (),
    **notes: str,
) -> dict[str, Any]:
    """The entry `kws.confirmation`.

    Args:
        model_sha256: of the wake word's model, since thresholds are those of one pair of models.
        recognizer: of the second stage.
        thresholds: of the wake word's model and of the spelling, where nobody says otherwise.
        ways: in which the word is spelled, in phones.
        points: measured pairs of thresholds.
        notes: further keys of the default.
    """
    threshold, least = thresholds
    return {
        "models": [model_sha256, recognizer.model_sha256],
        "default": {
            "recognizer": recognizer.name,
            "threshold": threshold,
            "least": least,
            "spellings": [PHONES.decode(way) for way in ways],
            **notes,
        },
        "points": [point.to_json() for point in points],
    }
