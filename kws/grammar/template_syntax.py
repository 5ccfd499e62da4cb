"""One sentence template, parsed by hassil, as plain parts; brackets are checked first for clear messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kws.errors import GrammarError
from kws.grammar.pieces import Part

if TYPE_CHECKING:
    from hassil.expression import Expression

_CLOSING = {"(": ")", "[": "]", "{": "}", "<": ">"}


def parse_template(text: str, place: str, line: int) -> Part:
    """The template as parts; raises GrammarError naming place, column and what was expected."""
    from hassil.parse_expression import parse_sentence
    from hassil.parser import ParseError

    where = f"{place}:{line}: in {text!r}"
    _check_brackets(text, where)
    if not text.strip():
        raise GrammarError(f"{place}:{line}: expected a sentence, found nothing")
    try:
        return _part(parse_sentence(text).expression)
    except (ParseError, AssertionError, ValueError) as error:
        raise GrammarError(f"{where}: expected a sentence template ({error})") from error


def _check_brackets(text: str, where: str) -> None:
    expected: list[str] = []
    before = ""
    for column, character in enumerate(text, 1):
        if before == "\\":
            before = ""
            continue
        if character in _CLOSING:
            expected.append(_CLOSING[character])
        elif character in _CLOSING.values():
            _check_closing(character, expected, before, f"{where}, column {column}")
        before = character
    if expected:
        raise GrammarError(f"{where}: expected {expected[-1]!r} before the end")


def _check_closing(character: str, expected: list[str], before: str, where: str) -> None:
    if not expected:
        raise GrammarError(f"{where}: expected a word, found {character!r} that closes nothing")
    if character != expected[-1]:
        raise GrammarError(f"{where}: expected {expected[-1]!r}, found {character!r}")
    if _CLOSING.get(before) == character:
        raise GrammarError(f"{where}: expected words between {before!r} and {character!r}, found nothing")
    expected.pop()


def _part(item: Expression) -> Part:
    from hassil.expression import Alternative, Group, ListReference, Permutation, RuleReference, TextChunk

    if isinstance(item, TextChunk):
        return Part("text", item.text)
    if isinstance(item, ListReference):
        slot = item.slot_name
        return Part("list", item.list_name if slot == item.list_name else f"{item.list_name}:{slot}")
    if isinstance(item, RuleReference):
        return Part("rule", item.rule_name)
    if not isinstance(item, Group):
        raise ValueError(f"unknown part {type(item).__name__}")
    kind = {Alternative: "choice", Permutation: "any_order"}.get(type(item), "sequence")
    return Part(kind, items=tuple(map(_part, item.items)))
