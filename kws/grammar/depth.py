"""Brackets in brackets and rules in rules: as deep as the stack reaches, and no deeper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kws.errors import GrammarError


@contextmanager
def within_stack(place: str) -> Iterator[None]:
    """Work on a grammar by recursion; raises GrammarError where Python's stack ends."""
    try:
        yield
    except RecursionError:
        raise GrammarError(
            f"{place}: brackets or rules stand in one another too deep; write it flatter"
        ) from None
