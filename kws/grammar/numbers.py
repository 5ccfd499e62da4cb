"""Numbers as they are said, through the spelling rules of the Unicode CLDR (package unicode-rbnf)."""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unicode_rbnf import RbnfEngine

Number = int | Decimal


@lru_cache(maxsize=16_384)
def spoken(number: Number) -> tuple[str, ...]:
    """English words for a number, the ways it is usually said: "one hundred five", "... and five"."""
    if number < 0:
        return tuple(f"minus {text}" for text in spoken(-number))
    whole, rest = divmod(Decimal(number), 1)
    if rest:
        return _with_fraction(spoken(int(whole)), written(rest).partition(".")[2])
    return _with_and(_plain(_engine().format_number(int(whole)).text))


@lru_cache(maxsize=1024)
def spoken_ordinal(number: int) -> tuple[str, ...]:
    """ "twenty first" for 21, and the like."""
    from unicode_rbnf import FormatPurpose

    return _with_and(_plain(_engine().format_number(number, purpose=FormatPurpose.ORDINAL).text))


def written(number: Number) -> str:
    """In figures, without an exponent and without zeros that say nothing."""
    text = f"{Decimal(number) + 0:f}"  # the sum makes -0 a 0
    return text.rstrip("0").rstrip(".") if "." in text else text


def _with_fraction(whole: tuple[str, ...], decimals: str) -> tuple[str, ...]:
    digits = " ".join(spoken(int(digit))[0] for digit in decimals)
    ways = tuple(f"{text} point {digits}" for text in whole)
    return (*ways, *(f"{text} and a half" for text in whole)) if decimals == "5" else ways


def _plain(text: str) -> str:
    return " ".join(text.replace("-", " ").split())


def _with_and(text: str) -> tuple[str, ...]:
    if "hundred " not in text:
        return (text,)
    head, _, tail = text.rpartition("hundred ")
    return text, f"{head}hundred and {tail}"


@lru_cache(maxsize=1)
def _engine() -> RbnfEngine:
    from unicode_rbnf import RbnfEngine

    return RbnfEngine.for_language("en")
