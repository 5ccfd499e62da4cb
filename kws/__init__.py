"""kws hears a wake word, then the short command after it, and says both as events.

Importing it loads next to nothing; each name brings what it needs when it is first used: numpy with the
first of them, LiteRT with the first model, sounddevice with the first microphone.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kws.bundle import Bundle, bundled_names, find_bundle
    from kws.engine import Engine
    from kws.errors import BundleError, KwsError, SourceError
    from kws.events import (
        Detection,
        Event,
        Gap,
        Guess,
        HeardWord,
        NoSpeech,
        Partial,
        Slots,
        SourceLost,
        SourceRestored,
        Transcript,
    )
    from kws.loading import load
    from kws.sources import open_source
    from kws.types import SAMPLE_RATE, Block

__all__ = [
    "SAMPLE_RATE",
    "Block",
    "Bundle",
    "BundleError",
    "Detection",
    "Engine",
    "Event",
    "Gap",
    "Guess",
    "HeardWord",
    "KwsError",
    "NoSpeech",
    "Partial",
    "Slots",
    "SourceError",
    "SourceLost",
    "SourceRestored",
    "Transcript",
    "bundled_names",
    "find_bundle",
    "load",
    "open_source",
]

_HOMES = {
    "kws.bundle": ("Bundle", "bundled_names", "find_bundle"),
    "kws.engine": ("Engine",),
    "kws.errors": ("BundleError", "KwsError", "SourceError"),
    "kws.events": (
        *("Detection", "Event", "Gap", "Guess", "HeardWord", "NoSpeech", "Partial"),
        *("Slots", "SourceLost", "SourceRestored", "Transcript"),
    ),
    "kws.loading": ("load",),
    "kws.sources": ("open_source",),
    "kws.types": ("SAMPLE_RATE", "Block"),
}
"""Module -> the public names that are its own."""


def __getattr__(name: str) -> object:
    """Of a public name that nobody has used yet."""
    for home, names in _HOMES.items():
        if name in names:
            globals()[name] = found = getattr(import_module(home), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
