"""Bars on standard error for what takes long: drawn where a command asks, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

import click

Item = TypeVar("Item")

_shown: ContextVar[bool] = ContextVar("shown", default=False)


@contextmanager
def bars_shown() -> Iterator[None]:
    """Within it, `track` draws; elsewhere nothing is printed, so library calls stay silent."""
    token = _shown.set(True)
    try:
        yield
    finally:
        _shown.reset(token)


def track(items: Iterable[Item], label: str, count: int) -> Iterator[Item]:
    """The same items, `count` of them, with a bar; where standard error is no terminal, the label alone."""
    if not _shown.get():
        yield from items
        return
    with click.progressbar(items, count, f"          {label}", show_pos=True, file=sys.stderr) as bar:
        yield from bar
