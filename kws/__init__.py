"""kws hears a wake word, then the short command after it, and says both as events.

Importing it loads numpy and the standard library only; LiteRT comes with the first model, sounddevice
with the first microphone.
"""

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
