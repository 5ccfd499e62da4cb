"""Several second stages of a word that decide together (score-level fusion, Kittler et al. 1998)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Union

from kws.bundle import Bundle

if TYPE_CHECKING:
    from kws.recognition.bundle import RecognizerBundle

Member = Union[Bundle, "RecognizerBundle"]


@dataclass(frozen=True)
class Fusion:
    """The mean of all logits decides: of the wake word's own model, which weighs 1, and of these."""

    members: tuple[Member, ...]
    weights: tuple[float, ...]
    """One for each member."""

    @property
    def name(self) -> str:
        """Of all of them, for people."""
        return " and ".join(member.name for member in self.members)


def members_of(second: Member | Fusion) -> tuple[Member, ...]:
    """What a second stage is made of: itself, or the parts of a fusion."""
    return second.members if isinstance(second, Fusion) else (second,)
