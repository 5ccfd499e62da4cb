"""What a wake word's manifest says of its second stage; kws.confirmation_table reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kws.bundle import Bundle
from kws.confirmation_table import ConfirmationPoint, Second
from kws.recognition.lexicon import Spelling
from kws.recognition.tokens import PHONES


def confirmation(
    model_sha256: str,
    second: Second,
    thresholds: tuple[float, float],
    ways: Sequence[Spelling] = (),
    points: Sequence[ConfirmationPoint] = (),
    **notes: str,
) -> dict[str, Any]:
    """The entry `kws.confirmation`.

    Args:
        model_sha256: of the wake word's model, since thresholds are those of one pair of models.
        second: the second stage, a recognizer or another model of the word.
        thresholds: of the wake word's model and of the second stage, where nobody says otherwise.
        ways: in which the word is spelled, in phones, for a recognizer.
        points: measured pairs of thresholds.
        notes: further keys of the default.
    """
    threshold, least = thresholds
    spelled = {"spellings": [PHONES.decode(way) for way in ways]} if ways else {}
    return {
        "models": [model_sha256, second.model_sha256],
        "default": {
            "model" if isinstance(second, Bundle) else "recognizer": second.name,
            "threshold": threshold,
            "least": least,
            **spelled,
            **notes,
        },
        "points": [point.to_json() for point in points],
    }
