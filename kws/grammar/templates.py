"""Home Assistant's sentence templates (YAML files of the `hassil` package) -> Grammar.

Templates are parsed by hassil and never expanded. Read are `intents` with their `data`, `lists` of values or
ranges, `expansion_rules` and `skip_words`; what concerns the answer to an intent is passed over. The key
`threshold` is our own: the confidence from which on a sentence counts as said.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kws.errors import GrammarError
from kws.grammar.depth import within_stack
from kws.grammar.expression import (
    AnyOrder,
    Choice,
    Expression,
    Grammar,
    Intent,
    Repeat,
    Sequence,
    Slot,
)
from kws.grammar.numbers import spoken
from kws.grammar.pieces import Part, joined_words, split_parts
from kws.grammar.template_syntax import parse_template
from kws.grammar.threshold import parse_threshold
from kws.grammar.yaml_lines import Located, read_yaml

RANGE_LIMIT = 10_000
"""Numbers in one list."""
VALUE_LIMIT = 20_000
"""Values in all lists."""
LARGEST_NUMBER = 10**15
"""That is said in words."""

_INLINE_RANGE = re.compile(r"([0-9]{1,20})\.\.([0-9]{1,20})(?:,([0-9]{1,20}))?")
"""{1..10,2}"""


def parse_templates(text: str, place: str | Path = "grammar") -> Grammar:
    """Read a file of sentence templates; raises GrammarError naming the line and what was expected there."""
    with within_stack(str(place)):
        root = read_yaml(text, str(place))
        scope = _Scope().with_definitions(root)
        intents = []
        for name, intent in root["intents"].mapping().items():
            for data in intent["data"].items():
                intents.append(_intent(name, data, scope.with_definitions(data), root))
        if not intents:
            raise root["intents"].expected("at least one intent")
        told = root.get("threshold")
        threshold = parse_threshold(told.text(), told.place, told.line) if told else None
        return Grammar(str(place), tuple(intents), threshold)


def _intent(name: str, data: Located, scope: _Scope, root: Located) -> Intent:
    sentences = tuple(scope.template(line) for line in data["sentences"].items())
    fixed = data.get("slots")
    slots = {key: value.text() for key, value in fixed.mapping().items()} if fixed else {}
    return Intent(name, _with_skip_words(Choice(sentences), root.get("skip_words"), scope), slots)


def _with_skip_words(sentence: Expression, skipped: Located | None, scope: _Scope) -> Expression:
    """Words that may stand before or after a sentence and mean nothing."""
    if not skipped or not skipped.items():
        return sentence
    around = Repeat(Choice(tuple(scope.template(word) for word in skipped.items())))
    return Sequence((around, sentence, around))


@dataclass(frozen=True)
class _Scope:
    """The lists and rules that a template may name."""

    lists: dict[str, Located] = field(default_factory=dict)
    rules: dict[str, Located] = field(default_factory=dict)
    done: dict[str, Expression] = field(default_factory=dict)
    open_rules: tuple[str, ...] = ()

    def with_definitions(self, holder: Located) -> _Scope:
        """With those that this mapping defines as well, which go before others of the same name."""
        lists, rules = holder.get("lists"), holder.get("expansion_rules")
        if not lists and not rules:
            return self
        return _Scope(
            {**self.lists, **(lists.mapping() if lists else {})},
            {**self.rules, **(rules.mapping() if rules else {})},
        )

    def template(self, text: Located) -> Expression:
        """One template as an expression."""
        line = re.sub(r"\s", " ", text.text())  # YAML knows texts of several lines
        return self._expression(parse_template(line, text.place, text.line), text)

    def _expression(self, part: Part, at: Located) -> Expression:
        if part.kind == "text":
            return joined_words(part.text)
        if part.kind == "list":
            return self._list(part.text, at)
        if part.kind == "rule":
            return self._rule(part.text, at)
        if part.kind == "sequence":
            return Sequence(tuple(self._run(run, at) for run in split_parts(part.items)))
        items = tuple(self._expression(item, at) for item in part.items)
        return Choice(items) if part.kind == "choice" else AnyOrder(items)

    def _run(self, run: tuple[Part, ...], at: Located) -> Expression:
        """Parts between two word boundaries: one part, or pieces of a word such as `light[s]`."""
        if len(run) == 1:
            return self._expression(run[0], at)
        if run[0].kind == "list":
            endings = _spellings(run[1:], at)
            return Choice(tuple(self._list(run[0].text, at, ending) for ending in endings))
        return Choice(tuple(joined_words(text) for text in _spellings(run, at)))

    def _rule(self, name: str, at: Located) -> Expression:
        if name in self.open_rules:
            raise GrammarError(f"{at.place}:{at.line}: <{name}> contains itself; templates cannot repeat")
        body = self._named(self.rules, name, at, "an expansion rule", "<{}>")
        if f"<{name}>" not in self.done:
            inner = _Scope(self.lists, self.rules, self.done, (*self.open_rules, name))
            self.done[f"<{name}>"] = inner.template(body)
        return self.done[f"<{name}>"]

    def _list(self, reference: str, at: Located, ending: str = "") -> Expression:
        name, _, slot = reference.partition(":")
        slot = (slot or name).lstrip("@")
        key = f"{{{reference}}}{ending}"
        if key not in self.done:
            inline = _INLINE_RANGE.fullmatch(name)
            if inline:
                values = _numbers(_inline_range(inline, at), 1, ending, slot)
            else:
                body = self._named(self.lists, name.lstrip("@"), at, "a list", "{{{}}}")
                values = self._values(body, slot, ending)
            self.done[key] = Choice(tuple(values))
            self._check_size(at)
        return self.done[key]

    def _check_size(self, at: Located) -> None:
        held = sum(len(done.items) for done in self.done.values() if isinstance(done, Choice))
        if held > VALUE_LIMIT:
            raise at.expected(f"lists of {VALUE_LIMIT} values at most, all together")

    def _values(self, body: Located, slot: str, ending: str) -> Iterator[Expression]:
        if body.get("range"):
            yield from _numbers(_range(body["range"]), _multiplier(body["range"]), ending, slot)
        elif body.get("values"):
            for value in body["values"].items():
                spoken_as = value if isinstance(value.value, str) else value["in"]
                out = value.text() if isinstance(value.value, str) else value["out"].text()
                text = Located(spoken_as.place, spoken_as.line, spoken_as.text() + ending)
                yield Slot(slot, self.template(text), out)
        else:
            raise body.expected("'values' or 'range' (a wildcard cannot be listened for)")

    @staticmethod
    def _named(table: dict[str, Located], name: str, at: Located, what: str, written: str) -> Located:
        if name not in table:
            known = " ".join(", ".join(map(written.format, table)).split()) or "none"
            raise GrammarError(
                f"{at.place}:{at.line}: expected {what} ({known}), found {written.format(name)}"
            )
        return table[name]


def _spellings(run: tuple[Part, ...], at: Located) -> list[str]:
    """All spellings of a run of glued pieces; few, as they are parts of one word."""
    texts = [""]
    for part in run:
        texts = [text + more for text in texts for more in _texts_of(part, at)]
        if len(texts) > 100:
            raise GrammarError(
                f"{at.place}:{at.line}: more than 100 spellings of one word; put spaces between them"
            )
    return texts


def _texts_of(part: Part, at: Located) -> list[str]:
    if part.kind == "text":
        return [part.text]
    if part.kind == "choice":
        return [text for item in part.items for text in _texts_of(item, at)]
    if part.kind == "sequence":
        return _spellings(part.items, at)
    raise GrammarError(
        f"{at.place}:{at.line}: expected a space beside {part.written()}, found letters in {at.text()!r}"
    )


def _inline_range(found: re.Match[str], at: Located) -> range:
    first, last, step = (int(text or 1) for text in found.groups())
    return _checked_range(first, last, step, at)


def _range(body: Located) -> range:
    step = body.get("step")
    return _checked_range(body["from"].whole(), body["to"].whole(), step.whole() if step else 1, body)


def _checked_range(first: int, last: int, step: int, at: Located) -> range:
    if max(abs(first), abs(last), abs(step)) <= LARGEST_NUMBER and step:
        numbers = range(first, last + 1, step)
        if 0 < len(numbers) <= RANGE_LIMIT:
            return numbers
    raise at.expected(f"a range of 1 to {RANGE_LIMIT} numbers up to {LARGEST_NUMBER}")


def _multiplier(body: Located) -> float:
    found = body.get("multiplier")
    try:
        multiplier = float(found.text()) if found else 1.0
    except ValueError:
        multiplier = math.nan
    if not math.isfinite(multiplier):
        raise body["multiplier"].expected("a number")
    return multiplier


def _numbers(numbers: range, multiplier: float, ending: str, slot: str) -> Iterator[Expression]:
    for number in numbers:
        for text in spoken(number):
            yield Slot(slot, joined_words(text + ending), f"{number * multiplier:g}")
