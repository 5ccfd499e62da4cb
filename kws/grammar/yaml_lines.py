"""YAML read with the line of every value, so that a message can name it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from kws.errors import GrammarError


@dataclass(frozen=True)
class Located:
    """A value of the file and where it stands."""

    place: str
    line: int
    value: Any
    """Text of a scalar, list of Located, or dict from text to Located."""

    def __getitem__(self, key: str) -> Located:
        """A key's value; GrammarError where it is missing."""
        found = self.get(key)
        if found is None:
            raise self.expected(f"the key {key!r}")
        return found

    def get(self, key: str) -> Located | None:
        """A key's value, or None."""
        found: Located | None = self.mapping().get(key)
        return found

    def mapping(self) -> dict[str, Located]:
        """The value as a mapping."""
        if self.value == "":  # a key with nothing behind it
            return {}
        found: dict[str, Located] = self._as(dict, "a mapping (key: value)")
        return found

    def items(self) -> list[Located]:
        """The value as a list; a single text counts as a list of one."""
        return [self] if isinstance(self.value, str) else self._as(list, "a list (- item)")

    def text(self) -> str:
        """The value as text."""
        found: str = self._as(str, "text")
        return found

    def whole(self) -> int:
        """The value as a whole number."""
        try:
            return int(self.text())
        except ValueError:
            raise self.expected("a whole number") from None

    def expected(self, what: str) -> GrammarError:
        """The error to raise about this value."""
        if isinstance(self.value, str):
            kind = repr(self.value)
        else:
            kind = "a mapping" if isinstance(self.value, dict) else "a list"
        return GrammarError(f"{self.place}:{self.line}: expected {what}, found {kind}")

    def _as(self, kind: type, what: str) -> Any:
        if not isinstance(self.value, kind):
            raise self.expected(what)
        return self.value


def read_yaml(text: str, place: str) -> Located:
    """The document's root; raises GrammarError with the line of a syntax error."""
    import yaml

    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise GrammarError(f"{place}:{mark.line + 1 if mark else 1}: not YAML ({problem})") from error
    if root is None:
        raise GrammarError(f"{place}:1: the file is empty; expected the key 'intents'")
    return _Reader(place).located(root)


def merged(documents: Sequence[Located]) -> Located:
    """Several documents as one: mappings and lists are joined, of texts the last one holds."""
    first, *others = documents
    for other in others:
        first = _joined(first, other)
    return first


def _joined(one: Located, other: Located) -> Located:
    if isinstance(one.value, dict) and isinstance(other.value, dict):
        value = dict(one.value)
        for key, more in other.value.items():
            value[key] = _joined(value[key], more) if key in value else more
        return replace(one, value=value)
    if isinstance(one.value, list) and isinstance(other.value, list):
        return replace(one, value=one.value + other.value)
    return other


class _Reader:
    """Nodes as Located values, one for each node however many aliases name it."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._done: dict[Any, Located] = {}  # by node, which compares by identity

    def located(self, node: Any) -> Located:
        if node not in self._done:
            self._done[node] = Located(self._place, node.start_mark.line + 1, self._value(node))
        return self._done[node]

    def _value(self, node: Any) -> Any:
        if node.id == "mapping":
            return self._mapping(node)
        if node.id == "sequence":
            return [self.located(item) for item in node.value]
        return node.value

    def _mapping(self, node: Any) -> dict[str, Located]:
        found: dict[str, Located] = {}
        for key, value in node.value:
            where = f"{self._place}:{key.start_mark.line + 1}"
            if key.id != "scalar":
                raise GrammarError(f"{where}: expected a text as the key")
            if key.value in found:
                raise GrammarError(f"{where}: expected each key once, found {key.value!r} again")
            found[key.value] = self.located(value)
        return found
