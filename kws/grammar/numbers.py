"""Numbers as they are said, through the spelling rules of the Unicode CLDR (package unicode-rbnf)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine


@lru_cache(maxsize=16_384)
def spoken(number: int) -> tuple[str, ...]:
    """English words for a whole number, the ways it is usually said: "one hundred five", "... and five"."""
    text = _engine().format_number(number).text.replace("-", " ").replace("minus", "minus ")
    plain = " ".join(text.split())
    if "hundred " not in plain:
        return (plain,)
    head, _, tail = plain.rpartition("hundred ")
    return plain, f"{head}hundred and {tail}"


@lru_cache(maxsize=1)
def _engine() -> RbnfEngine:
    from unicode_rbnf import RbnfEngine

    return RbnfEngine.for_language("en")
