"""Where audio comes from, found by the URI: a file, "-" for standard input, "mic:" for a microphone.

Adding a source is one module with an `open_address` function, and one line in `MODULES`.
"""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

from kws.errors import SourceError
from kws.sources.conversion import MAX_CHANNELS, RATES
from kws.sources.memory import from_samples
from kws.types import Source

__all__ = ["MODULES", "from_samples", "open_source", "split_uri"]

MODULES = {
    "file": "kws.sources.file",
    "mic": "kws.sources.microphone",
    "stdin": "kws.sources.stdin",
}
"""Scheme -> module, loaded with the first source of that scheme so that `import kws` stays light."""


def open_source(
    uri: str | os.PathLike[str], *, rate: int | None = None, channels: int | None = None
) -> Source:
    """The source that `uri` names; nothing is opened before its `with` statement.

    Args:
        uri: a path ("file:PATH" where it could be taken for another scheme), "-" for raw PCM on standard
            input, "mic:" for the default microphone, "mic:NAME" or "mic:INDEX" for another.
        rate: hertz of raw PCM, 16000 unless given; of a microphone, its own default unless given. A
            file's header states it.
        channels: interleaved channels of raw PCM, 1 unless given; of a microphone, at most 2 unless
            given; likewise.

    Raises:
        SourceError: rate or channels that no audio has.
    """
    lowest, highest = RATES
    if rate is not None and not lowest <= rate <= highest:
        raise SourceError(f"rate: {rate} hertz is not possible; give {lowest} to {highest}, mostly 16000")
    if channels is not None and not 1 <= channels <= MAX_CHANNELS:
        raise SourceError(f"channels: {channels} is not possible; give 1 to {MAX_CHANNELS}, mostly 1")
    scheme, address = split_uri(os.fspath(uri))
    source: Source = _module(scheme).open_address(address, rate=rate, channels=channels)
    return source


def _module(scheme: str) -> ModuleType:
    try:
        return import_module(MODULES[scheme])
    except (ModuleNotFoundError, OSError):  # soundfile, or the library that it loads
        if scheme != "file":
            raise
        return import_module("kws.sources.wav")


def split_uri(uri: str) -> tuple[str, str]:
    """("mic", "USB") of "mic:USB"; whatever names no scheme is a file's path."""
    if uri == "-":
        return "stdin", ""
    scheme, colon, address = uri.partition(":")
    return (scheme, address) if colon and scheme in MODULES else ("file", uri)
