"""Which values of a list a block of sentences takes: `requires_context`, `excludes_context`.

A value of a list may say what it stands for (`context: {domain: light}`), and a block of sentences what it is
about. What is known only when the sentence is acted upon, such as the room of a satellite, no value says; it
is left to whoever acts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kws.grammar.yaml_lines import Located

Conditions = tuple[tuple[str, frozenset[str]], ...]
"""Key -> the texts that it may have."""


@dataclass(frozen=True)
class Context:
    """Conditions on the values of lists."""

    required: Conditions = ()
    excluded: Conditions = ()

    def takes(self, value: Located) -> bool:
        """Whether a value of a list, text or mapping, goes with it; one that says nothing of a key does."""
        told = value.get("context") if isinstance(value.value, dict) else None
        if told is None:
            return True
        return all(_texts(told, key) <= wanted for key, wanted in self.required) and not any(
            _texts(told, key) & unwanted for key, unwanted in self.excluded
        )


ANY = Context()


def context_of(data: Located) -> Context:
    """What a block of sentences asks for."""
    return Context(_conditions(data.get("requires_context")), _conditions(data.get("excludes_context")))


def _conditions(told: Located | None) -> Conditions:
    if told is None or told.value == "":
        return ()
    found = ((key, _texts(told, key)) for key in told.mapping())
    return tuple((key, texts) for key, texts in found if texts)


def _texts(told: Located, key: str) -> frozenset[str]:
    value = told.get(key)
    return frozenset(_each(value)) if value else frozenset()


def _each(value: Located) -> Iterator[str]:
    """A text, each of a list, or what a mapping has as `value`."""
    if isinstance(value.value, dict):
        inner = value.get("value")
        yield from _each(inner) if inner else ()
    else:
        yield from (item.text() for item in value.items())
