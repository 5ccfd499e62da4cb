"""LiteRT's external delegates: a shared library that computes operators on an accelerator."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kws.errors import DelegateError

_ENTRY_POINTS = ("tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate")
"""What LiteRT calls in such a library."""

_OPTION = re.compile(r":(?=[A-Za-z_][\w.-]*=)")
"""Where an option begins; other colons belong to what stands before them, as in "device=usb:0"."""


@dataclass(frozen=True)
class Delegate:
    """Which delegate; nothing is loaded before a model is opened with it."""

    path: str
    """Of the shared library, or a name that the system's loader finds, "libedgetpu.so.1"."""
    options: Mapping[str, str] = field(default_factory=dict)
    """As the delegate's own documentation has them."""

    def __str__(self) -> str:
        return ":".join([self.path, *(f"{key}={value}" for key, value in self.options.items())])

    def load(self) -> Any:
        """LiteRT's handle of it, for one interpreter at a time; raises DelegateError."""
        path = os.path.abspath(self.path) if os.path.exists(self.path) else self.path
        self._check(path)
        from ai_edge_litert.interpreter import load_delegate

        try:
            return load_delegate(path, dict(self.options))
        except (ValueError, RuntimeError) as error:
            said = str(error).strip().rpartition("\n")[2]
            raise DelegateError(f"{self}: refuses to start ({said}); see its documentation") from error

    def _check(self, path: str) -> None:
        """LiteRT's own loader prints a traceback where one of these fails."""
        try:
            found = ctypes.CDLL(path)
        except OSError as error:
            raise DelegateError(
                f"{self}: cannot be loaded ({error}); install it or correct the path"
            ) from error
        for name in _ENTRY_POINTS:
            if not hasattr(found, name):
                raise DelegateError(
                    f"{self}: is no delegate for LiteRT, it lacks {name}; give an external delegate's library"
                )


def parse_delegate(text: str) -> Delegate:
    """From "PATH[:key=value...]"; raises DelegateError."""
    path, *options = _OPTION.split(text)
    pairs = [option.partition("=")[::2] for option in options]
    if not path:
        raise DelegateError(f"{text!r}: names no library; write PATH, or PATH:key=value with its options")
    if len(dict(pairs)) < len(pairs):
        raise DelegateError(f"{text}: gives an option twice; give each once")
    return Delegate(path, dict(pairs))


def delegate_problem(text: str) -> str:
    """What is allowed if this does not name a delegate, "" if it does or is empty."""
    try:
        if text:
            parse_delegate(text)
    except DelegateError:
        return '"PATH", or "PATH:key=value" with its options, each once'
    return ""
