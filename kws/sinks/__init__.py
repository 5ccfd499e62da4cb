"""Where events go, found by the URI's scheme: "-" for JSON lines on standard output, "jsonl:PATH" for a file.

Adding a sink is one module with a class `Options` (the keys that it has in a configuration), a function
`open_uri`, `uri_problem` where some URIs can be no address, `check_uri` where something on this computer
may be missing, and one line in `MODULES`.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from kws.errors import KwsError
from kws.types import Sink

MODULES = {
    "command": "kws.sinks.command",
    "http": "kws.sinks.webhook",
    "https": "kws.sinks.webhook",
    "jsonl": "kws.sinks.jsonl",
    "memory": "kws.sinks.memory",
    "mqtt": "kws.sinks.mqtt",
    "mqtts": "kws.sinks.mqtt",
    "stdout": "kws.sinks.stdout",
    "unix": "kws.sinks.unix",
    "wyoming": "kws.sinks.wyoming",
}
"""Scheme -> module, loaded with the first sink of that scheme."""
STANDARD_OUTPUT = "jsonl:-"
"""What "-" is short for."""


def open_sink(uri: str, options: object = None) -> Sink:
    """The sink that `uri` names, ready to take events; `options` is an instance of its module's Options.

    Nothing is waited for: a sink that reaches a server does so with its first event.

    Raises:
        KwsError: no such scheme, or its address cannot be used.
    """
    module = _module_of(uri)
    sink: Sink = module.open_uri(STANDARD_OUTPUT if uri == "-" else uri, options or module.Options())
    return sink


def options_of(uri: str) -> type[Any]:
    """The group of keys that sinks of this scheme have; raises KwsError for no scheme of ours."""
    options: type[Any] = _module_of(uri).Options
    return options


def uri_problem(uri: str) -> str:
    """What is allowed if a URI of a scheme of ours cannot be one, as far as reading it tells; else ""."""
    check: Callable[[str], str] = getattr(_module_of(uri), "uri_problem", lambda uri: "")
    return check(uri)


def check_sink(uri: str, options: object) -> None:
    """Look for what the sink needs on this computer, such as a program; nothing is opened, sent or run.

    Raises:
        KwsError: it is not there.
    """
    check: Callable[[str, Any], None] = getattr(_module_of(uri), "check_uri", lambda uri, options: None)
    check(uri, options)


def _module_of(uri: str) -> Any:
    scheme, colon, _ = (STANDARD_OUTPUT if uri == "-" else uri).partition(":")
    if not colon or scheme not in MODULES:
        known = ", ".join(f"{name}:" for name in MODULES)
        raise KwsError(f'{uri}: names no sink; use "-" for standard output, or one of {known}')
    return import_module(MODULES[scheme])
