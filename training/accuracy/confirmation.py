"""What a wake word's manifest says of its second stage; kws.confirmation_table reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kws.bundle import MODELS, Bundle
from kws.confirmation_table import MEMBERS, ConfirmationPoint, Second
from kws.fusion import Fusion, Member, members_of
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
        second: the second stage: a recognizer, another model of the word, or both. A model that is not
            bundled lies in a folder beside the wake word's.
        thresholds: of the wake word's model and of the second stage, where nobody says otherwise.
        ways: in which the word is spelled, in phones, for a recognizer.
        points: measured pairs of thresholds.
        notes: further keys of the default.
    """
    threshold, least = thresholds
    spelled = {"spellings": [PHONES.decode(way) for way in ways]} if ways else {}
    members = members_of(second)
    named = {MEMBERS[not isinstance(member, Bundle)]: member for member in members}
    weights = {"weights": dict(zip(named, second.weights, strict=True))} if isinstance(second, Fusion) else {}
    return {
        "models": [model_sha256, *(member.model_sha256 for member in members)],
        "default": {
            **{key: _name(member) for key, member in named.items()},
            "threshold": threshold,
            "least": least,
            **weights,
            **spelled,
            **notes,
        },
        "points": [point.to_json() for point in points],
    }


def _name(member: Member) -> str:
    """As kws.cascade finds it again."""
    path = member.manifest_path
    is_beside = isinstance(member, Bundle) and path.parent != MODELS
    return f"{path.parent.name}/{path.name}" if is_beside else member.name
