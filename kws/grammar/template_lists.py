"""The lists that sentence templates name: what is said, and what its slot then holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal, InvalidOperation

from kws.grammar.expression import Expression, Slot
from kws.grammar.numbers import Number, spoken, written
from kws.grammar.template_context import Context
from kws.grammar.times import spoken_time
from kws.grammar.wording import words_said
from kws.grammar.yaml_lines import Located

RANGE_LIMIT = 10_000
"""Numbers in one list."""
LARGEST_NUMBER = 10**15
"""That is said in words."""

_INLINE_RANGE = re.compile(r"([0-9]{1,20})\.\.([0-9]{1,20})(?:,([0-9]{1,20}))?")
"""{1..10,2}"""
_FRACTIONS = {"halves": 2, "tenths": 10}
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})")

Template = Callable[[Located], Expression]


def values_of(
    values: Located, slot: str, ending: str, template: Template, context: Context
) -> Iterator[Slot]:
    """`values`: texts, or mappings of `in` and `out`, as far as they go with the context."""
    for value in values.items():
        if context.takes(value):
            spoken_as = value if isinstance(value.value, str) else value["in"]
            out = spoken_as if isinstance(value.value, str) else value.get("out") or spoken_as
            text = Located(spoken_as.place, spoken_as.line, spoken_as.text() + ending)
            yield Slot(slot, template(text), out.text())


def numbers_of(body: Located, slot: str, ending: str) -> Iterator[Slot]:
    """`range`: `from`, `to`, and perhaps `step`, `fractions` and `multiplier`."""
    step = body.get("step")
    whole = _checked(body["from"].whole(), body["to"].whole(), step.whole() if step else 1, body)
    multiplier = _multiplier(body)
    return _said(_with_fractions(whole, body), multiplier, slot, ending)


def inline_range(name: str, slot: str, ending: str, at: Located) -> Iterator[Slot] | None:
    """The numbers of `{1..10,2}`; None where the name is another."""
    found = _INLINE_RANGE.fullmatch(name)
    if not found:
        return None
    first, last, step = (int(text or 1) for text in found.groups())
    return _said(_checked(first, last, step, at), Decimal(1), slot, ending)


def times_of(body: Located, slot: str, ending: str) -> Iterator[Slot]:
    """`times`: of day, `from`, `to` and perhaps `step` in minutes; the slot holds "07:30"."""
    step = body.get("step")
    minutes = _checked(_minutes(body["from"]), _minutes(body["to"]), step.whole() if step else 1, body)
    for hour, minute in (divmod(time, 60) for time in minutes):
        for text in spoken_time(hour, minute):
            yield Slot(slot, words_said(text + ending), f"{hour:02d}:{minute:02d}")


def _said(numbers: Iterable[Number], multiplier: Decimal, slot: str, ending: str) -> Iterator[Slot]:
    for number in numbers:
        for text in spoken(number):
            yield Slot(slot, words_said(text + ending), written(number * multiplier))


def _checked(first: int, last: int, step: int, at: Located) -> range:
    if max(abs(first), abs(last), abs(step)) <= LARGEST_NUMBER and step > 0:
        numbers = range(first, last + 1, step)
        if 0 < len(numbers) <= RANGE_LIMIT:
            return numbers
    raise at.expected(f"a range of 1 to {RANGE_LIMIT} numbers up to {LARGEST_NUMBER}")


def _with_fractions(whole: range, body: Located) -> Iterable[Number]:
    """Behind each number those up to the next whole one: "halves" or "tenths"."""
    found = body.get("fractions")
    if found is None:
        return whole
    if found.text() not in _FRACTIONS:
        raise found.expected(f"{' or '.join(_FRACTIONS)}")
    parts = _FRACTIONS[found.text()]
    return [Decimal(number) + Decimal(part) / parts for number in whole for part in range(parts)]


def _multiplier(body: Located) -> Decimal:
    found = body.get("multiplier")
    try:
        multiplier = Decimal(found.text()) if found else Decimal(1)
    except InvalidOperation:
        multiplier = Decimal("nan")
    if not multiplier.is_finite():
        raise body["multiplier"].expected("a number")
    return multiplier


def _minutes(time: Located) -> int:
    found = _TIME.fullmatch(time.text())
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise time.expected("a time of day such as '7:30'")
    return 60 * int(found[1]) + int(found[2])
