"""The event of wake words, alone in its file, since those who listen for words alone need no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kws.event import Event


@dataclass(frozen=True)
class Detection(Event):
    """A wake word was heard."""

    type: ClassVar[str] = "detection"

    name: str
    """Label of the wake word."""
    score: float
    """Smoothed score, 0 to 1, at the step that first reached the threshold."""
    threshold: float
    """The threshold it reached."""
    start: float
    """Estimated start of the word, seconds."""
    end: float
    """End of the audio that the deciding step had heard, seconds."""
    source: str = ""
    """File or device it came from."""
