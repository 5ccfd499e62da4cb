"""What a grammar says, whatever its notation: a tree of words, choices and repetitions, not its sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Expression:
    """Base of all expressions. One object may stand in several places of a tree."""


@dataclass(frozen=True)
class Word(Expression):
    """One word, in lower case."""

    text: str


@dataclass(frozen=True)
class AnyWords(Expression):
    """One word or more, whichever they are."""


@dataclass(frozen=True)
class Sequence(Expression):
    """One after the other; the empty sequence is silence."""

    items: tuple[Expression, ...] = ()


@dataclass(frozen=True)
class Choice(Expression):
    """Exactly one of the items."""

    items: tuple[Expression, ...]
    weights: tuple[float, ...] = ()
    """How likely each item is beside the likeliest, which has 1; empty when none is preferred."""


@dataclass(frozen=True)
class Repeat(Expression):
    """The item any number of times."""

    item: Expression
    at_least: int = 0
    """0 or 1."""


@dataclass(frozen=True)
class AnyOrder(Expression):
    """Every item once, in any order; one that is optional may be missing."""

    items: tuple[Expression, ...]


@dataclass(frozen=True)
class Slot(Expression):
    """The item fills a slot of the sentence."""

    name: str
    item: Expression
    value: str | None = None
    """What the slot holds; None: the words that were said."""


@dataclass(frozen=True)
class Intent:
    """Sentences that mean the same kind of thing."""

    name: str
    sentences: Expression
    slots: Mapping[str, str] = field(default_factory=dict)
    """Slots that these sentences fill by themselves."""


@dataclass(frozen=True)
class Grammar:
    """All that may be said."""

    place: str
    """The file it came from, for messages."""
    intents: tuple[Intent, ...]
    threshold: float | None = None
    """Confidence from which a sentence counts as said; None: the recognizer's own."""
    notes: tuple[str, ...] = ()
    """What of the file is not listened for, with place and reason."""


EMPTY = Sequence()
"""Silence."""
NEVER = Choice(())
"""What cannot be said, and with it no sentence that needs it."""


def optional(item: Expression) -> Choice:
    """The item or nothing."""
    return Choice((item, EMPTY))


def is_optional(item: Expression, known: dict[int, bool] | None = None) -> bool:
    """Whether nothing at all is one way to say it. A part that stands in many places is judged once."""
    known = {} if known is None else known
    if id(item) not in known:
        known[id(item)] = _judged(item, known)
    return known[id(item)]


def _judged(item: Expression, known: dict[int, bool]) -> bool:
    if isinstance(item, (Sequence, AnyOrder)):
        return all(is_optional(part, known) for part in item.items)
    if isinstance(item, Choice):
        return any(is_optional(part, known) for part in item.items)
    if isinstance(item, Repeat):
        return item.at_least == 0 or is_optional(item.item, known)
    return isinstance(item, Slot) and is_optional(item.item, known)


def required(item: Expression) -> Expression:
    """An optional choice without its empty items; anything else as it is."""
    if not isinstance(item, Choice) or item.weights:
        return item
    items = tuple(part for part in item.items if part != EMPTY)
    return items[0] if len(items) == 1 else Choice(items)


def can_be_said(item: Expression, known: dict[int, bool] | None = None) -> bool:
    """Whether there is any way to say it. A part that stands in many places is judged once."""
    known = {} if known is None else known
    if id(item) not in known:
        known[id(item)] = _sayable(item, known)
    return known[id(item)]


def _sayable(item: Expression, known: dict[int, bool]) -> bool:
    if isinstance(item, (Sequence, AnyOrder)):
        return all(can_be_said(part, known) for part in item.items)
    if isinstance(item, Choice):
        return any(can_be_said(part, known) for part in item.items)
    if isinstance(item, Repeat):
        return item.at_least == 0 or can_be_said(item.item, known)
    return not isinstance(item, Slot) or can_be_said(item.item, known)
