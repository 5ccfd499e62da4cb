"""A grammar's own threshold: how sure a recognizer must be that a sentence of it was said."""

from __future__ import annotations

import re

from kws.errors import GrammarError

_TAG = re.compile(r"@threshold[ \t]+(\S+)")


def parse_threshold(text: str, place: str, line: int) -> float:
    """A confidence from 0 to 1; GrammarError names the line."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise GrammarError(f"{place}:{line}: expected a threshold from 0 to 1, found {text!r}")
    return value


def threshold_in(comment: str, place: str, line: int) -> float | None:
    """What the tag `@threshold` of a documentation comment (`/** ... */`) that begins in this line says."""
    found = _TAG.search(comment) if comment.startswith("/**") else None
    if found is None:
        return None
    return parse_threshold(found[1], place, line + comment[: found.start()].count("\n"))
