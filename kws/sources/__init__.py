"""Where audio comes from, found by the URI: a file, "-" for standard input, "mic:" for a microphone.

Adding a source is one module with an `open_address` function, and one line in `MODULES`.
"""

from __future__ import annotations

import os
from importlib import import_module

from kws.errors import SourceError
from kws.types import Source

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
        rate: hertz of raw PCM, 16000 unless given; files and microphones know their own.
        channels: interleaved channels of raw PCM, 1 unless given; likewise.

    Raises:
        SourceError: rate or channels that no audio has.
    """
    if rate is not None and not 1_000 <= rate <= 768_000:
        raise SourceError(f"rate: {rate} hertz is no audio rate; give 1000 to 768000, 16000 for example")
    if channels is not None and not 1 <= channels <= 1_024:
        raise SourceError(f"channels: {channels} is not possible; give 1 to 1024, 1 for example")
    scheme, address = split_uri(os.fspath(uri))
    source: Source = import_module(MODULES[scheme]).open_address(address, rate=rate, channels=channels)
    return source


def split_uri(uri: str) -> tuple[str, str]:
    """("mic", "USB") of "mic:USB"; whatever names no scheme is a file's path."""
    if uri == "-":
        return "stdin", ""
    scheme, colon, address = uri.partition(":")
    return (scheme, address) if colon and scheme in MODULES else ("file", uri)
