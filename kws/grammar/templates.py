"""Home Assistant's sentence templates (YAML files of the `hassil` package) -> Grammar.

Templates are parsed by hassil and never expanded. Read are `intents` with their `data`, `lists`,
`expansion_rules`, `skip_words`, and `requires_context` and `excludes_context` as far as values of lists have
a `context`; what concerns the answer to an intent is passed over. Our own are the key `threshold`, the
confidence from which on a sentence counts as said, and lists of `times`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from kws.errors import GrammarError
from kws.grammar.depth import within_stack
from kws.grammar.expression import (
    EMPTY,
    AnyOrder,
    AnyWords,
    Choice,
    Expression,
    Grammar,
    Intent,
    Repeat,
    Sequence,
    Slot,
    can_be_said,
)
from kws.grammar.pieces import Part, split_parts
from kws.grammar.template_context import ANY, Context, context_of
from kws.grammar.template_lists import inline_range, numbers_of, times_of, values_of
from kws.grammar.template_syntax import parse_template
from kws.grammar.threshold import parse_threshold
from kws.grammar.wording import in_letters, words_said
from kws.grammar.yaml_lines import Located, read_yaml

VALUE_LIMIT = 20_000
"""Values in all lists."""


def parse_templates(text: str, place: str | Path = "grammar") -> Grammar:
    """Read a file of sentence templates; raises GrammarError naming the line and what was expected there."""
    with within_stack(str(place)):
        return templates_grammar(read_yaml(text, str(place)), str(place))


def templates_grammar(root: Located, place: str) -> Grammar:
    """The grammar of a file that has been read, or of several as one."""
    scope = _Scope().with_definitions(root)
    intents = tuple(
        _intent(name, data, scope.for_block(data), root)
        for name, intent in root["intents"].mapping().items()
        for data in intent["data"].items()
    )
    if not intents:
        raise root["intents"].expected("at least one intent")
    if scope.left_out and not any(can_be_said(intent.sentences) for intent in intents):
        raise next(iter(scope.left_out.values())).expected(
            "'values', 'range' or 'times' (letters right behind a wildcard cannot be listened for)"
        )
    told = root.get("threshold")
    threshold = parse_threshold(told.text(), told.place, told.line) if told else None
    notes = [_left_out(name, body) for name, body in scope.left_out.items()]
    return Grammar(place, intents, threshold, (*_about_language(root), *notes))


def _intent(name: str, data: Located, scope: _Scope, root: Located) -> Intent:
    sentences = tuple(scope.template(line) for line in data["sentences"].items())
    fixed = data.get("slots")
    slots = {key: value.text() for key, value in fixed.mapping().items()} if fixed else {}
    return Intent(name, _with_skip_words(Choice(sentences), root.get("skip_words"), scope), slots)


def _about_language(root: Located) -> Iterator[str]:
    language = root.get("language")
    if language and not language.text().lower().startswith("en"):
        yield f"{language.place}:{language.line}: the words are read as English, not {language.text()!r}"


def _left_out(name: str, body: Located) -> str:
    return (
        f"{body.place}:{body.line}: {name}: letters right behind a wildcard cannot be listened for; "
        "sentences that need them are left out"
    )


def _with_skip_words(sentence: Expression, skipped: Located | None, scope: _Scope) -> Expression:
    """Words that may stand before or after a sentence and mean nothing."""
    if not skipped or not skipped.value:
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
    context: Context = ANY
    left_out: dict[str, Located] = field(default_factory=dict)
    """Wildcards as templates have named them with endings, for all scopes of a file together."""
    by_context: dict[Context, _Scope] = field(default_factory=dict)
    """Scopes of the same definitions that take other values of lists."""

    def for_block(self, data: Located) -> _Scope:
        """For an intent's block of sentences: with its definitions, and what goes with its context."""
        scope = self.with_definitions(data)
        context = context_of(data)
        if context == ANY or not _tell_context(scope.lists):
            return scope
        return scope.by_context.setdefault(context, replace(scope, done={}, context=context))

    def with_definitions(self, holder: Located) -> _Scope:
        """With those that this mapping defines as well, which go before others of the same name."""
        lists, rules = holder.get("lists"), holder.get("expansion_rules")
        if not lists and not rules:
            return self
        return _Scope(
            {**self.lists, **(lists.mapping() if lists else {})},
            {**self.rules, **(rules.mapping() if rules else {})},
            left_out=self.left_out,
        )

    def template(self, text: Located) -> Expression:
        """One template as an expression."""
        line = re.sub(r"\s", " ", text.text())  # YAML knows texts of several lines
        return self._expression(parse_template(line, text.place, text.line), text)

    def _expression(self, part: Part, at: Located) -> Expression:
        if part.kind == "text":
            return words_said(part.text)
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
            return self._list_with_endings(run[0].text, _spellings(run[1:], at), at)
        return Choice(tuple(words_said(text) for text in _spellings(run, at)))

    def _list_with_endings(self, reference: str, endings: list[str], at: Located) -> Expression:
        """Endings that are words of their own stand behind the list, once; others end each of its values."""
        endings = list(dict.fromkeys(_boundary(in_letters(ending)) for ending in endings))
        apart = tuple(words_said(ending) for ending in endings if not ending or ending[0].isspace())
        glued = tuple(self._list(reference, at, end) for end in endings if end and not end[0].isspace())
        if not apart:
            return Choice(glued)
        plain = self._list(reference, at)
        behind = plain if apart == (EMPTY,) else Sequence((plain, Choice(apart)))
        return Choice((behind, *glued)) if glued else behind

    def _rule(self, name: str, at: Located) -> Expression:
        if name in self.open_rules:
            raise GrammarError(f"{at.place}:{at.line}: <{name}> contains itself; templates cannot repeat")
        body = self._named(self.rules, name, at, "an expansion rule", "<{}>")
        if f"<{name}>" not in self.done:
            inner = replace(self, open_rules=(*self.open_rules, name))
            self.done[f"<{name}>"] = inner.template(body)
        return self.done[f"<{name}>"]

    def _list(self, reference: str, at: Located, ending: str = "") -> Expression:
        name, _, slot = reference.partition(":")
        slot = (slot or name).lstrip("@")
        key = f"{{{reference}}}{ending}"
        if key not in self.done:
            values = inline_range(name, slot, ending, at)
            if values is None:
                body = self._named(self.lists, name.lstrip("@"), at, "a list", "{{{}}}")
                values = self._values(name.lstrip("@"), body, slot, ending)
            self.done[key] = Choice(tuple(values))
            self._check_size(at)
        return self.done[key]

    def _check_size(self, at: Located) -> None:
        held = sum(len(done.items) for done in self.done.values() if isinstance(done, Choice))
        if held > VALUE_LIMIT:
            raise at.expected(f"lists of {VALUE_LIMIT} values at most, all together")

    def _values(self, name: str, body: Located, slot: str, ending: str) -> Iterator[Slot]:
        """Of a list; a wildcard's is any words, with an ending none, so that what needs it is never said."""
        if numbers := body.get("range"):
            return numbers_of(numbers, slot, ending)
        if times := body.get("times"):
            return times_of(times, slot, ending)
        if values := body.get("values"):
            return values_of(values, slot, ending, self.template, self.context)
        if not body.get("wildcard"):
            raise body.expected("'values', 'range' or 'times'")
        if ending:
            self.left_out.setdefault(f"{{{name}}}{ending.rstrip()}", body)
            return iter(())
        return iter((Slot(slot, AnyWords()),))

    @staticmethod
    def _named(table: dict[str, Located], name: str, at: Located, what: str, written: str) -> Located:
        if name not in table:
            known = " ".join(", ".join(map(written.format, table)).split()) or "none"
            raise GrammarError(
                f"{at.place}:{at.line}: expected {what} ({known}), found {written.format(name)}"
            )
        return table[name]


def _tell_context(lists: dict[str, Located]) -> bool:
    """Whether any value says what it stands for."""
    values = (body.get("values") for body in lists.values())
    told = (value.value for held in values if held for value in held.items())
    return any(isinstance(value, dict) and "context" in value for value in told)


def _boundary(ending: str) -> str:
    """A hyphen divides what is said just as a space does."""
    return re.sub(r"^-", " ", ending)


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
