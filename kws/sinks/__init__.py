"""Where events go, found by the URI's scheme: "-" for JSON lines on standard output, "jsonl:PATH" for a file.

Adding a sink is one module with an `open_address` function, and one line in `MODULES`.
"""

from __future__ import annotations

from importlib import import_module

from kws.errors import KwsError
from kws.types import Sink

MODULES = {
    "jsonl": "kws.sinks.jsonl",
    "memory": "kws.sinks.memory",
}
"""Scheme -> module, loaded with the first sink of that scheme."""


def open_sink(uri: str) -> Sink:
    """The sink that `uri` names, ready to take events.

    Raises:
        KwsError: no such scheme, or its address cannot be opened.
    """
    scheme, colon, address = ("jsonl", ":", "-") if uri == "-" else uri.partition(":")
    if not colon or scheme not in MODULES:
        known = ", ".join(f"{name}:" for name in MODULES)
        raise KwsError(f'{uri}: names no sink; use "-" for standard output, or one of {known}')
    sink: Sink = import_module(MODULES[scheme]).open_address(address)
    return sink
