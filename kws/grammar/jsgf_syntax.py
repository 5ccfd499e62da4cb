"""JSpeech Grammar Format 1.0 (W3C note of 5 June 2000): the text of one file -> its rules, unresolved."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kws.errors import GrammarError
from kws.grammar.expression import EMPTY, NEVER, Choice, Expression, Repeat, Sequence, Slot
from kws.grammar.expression import optional as optional_item
from kws.grammar.threshold import threshold_in
from kws.grammar.wording import words_said

LARGEST_WEIGHT = 1e9
"""Beyond it a weight is a mistake."""

_SPECIAL = {"<NULL>": EMPTY, "<VOID>": NEVER}

_TOKEN = re.compile(
    r"""
    (?P<space> \s+ | //[^\n]* | /\*.*?\*/ )
  | (?P<weight> /[^/*;|\n]*/ )
  | (?P<rule> <[^<>\n]+> )
  | (?P<tag> \{(?:\\.|[^{}\\])*\} )
  | (?P<quoted> "[^"\n]*" )
  | (?P<mark> [;=|()\[\]*+] )
  | (?P<word> [^\s;=|()\[\]*+<>{}/"]+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_GRAMMAR = r"[\w-]{1,100}(?:\.[\w-]{1,100})*"
"""A grammar's name with its package, which is looked for as a file."""
_IMPORT = re.compile(rf"<\s*({_GRAMMAR})\.([^<>.\s]+)\s*>")


@dataclass(frozen=True)
class Reference(Expression):
    """<rule>, until it is known what it stands for."""

    rule: str
    line: int

    @property
    def full_name(self) -> Import | None:
        """What it would stand for if it was a rule's full name; None where it cannot be."""
        named = _IMPORT.fullmatch(f"<{self.rule}>")
        return Import(named[1], named[2], self.line) if named and named[2] != "*" else None


@dataclass(frozen=True)
class Rule:
    """<name> = expansion;"""

    expansion: Expression
    public: bool


@dataclass(frozen=True)
class Import:
    """import <grammar.rule>;"""

    grammar: str
    """With its package."""
    rule: str
    """One public rule of it, or * for all."""
    line: int


@dataclass(frozen=True)
class ParsedFile:
    """All that stands in one file."""

    place: str
    """The file, for messages."""
    name: str
    """With its package, as the header has it; empty where it says none."""
    name_line: int
    imports: tuple[Import, ...]
    rules: dict[str, Rule]
    threshold: float | None

    @property
    def public(self) -> list[str]:
        """Names of the rules that may be listened for or imported."""
        return [name for name, rule in self.rules.items() if rule.public]


def parse_file(text: str, place: str) -> ParsedFile:
    """Read one file; raises GrammarError naming the line and what was expected there."""
    parser = _Parser(text, place)
    name, line = parser.header()
    imports = parser.imports()
    return ParsedFile(place, name, line, imports, parser.rules(), parser.threshold)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, text: str, place: str) -> None:
        self._place = place
        self.threshold: float | None = None
        self._tokens = list(self._split(text))
        self._next = 0

    def header(self) -> tuple[str, int]:
        """#JSGF V1.0 [encoding [locale]]; grammar name; -> the name and its line."""
        if self._peek().text != "#JSGF":
            raise self._expected("the header '#JSGF V1.0;'")
        self._skip_to_semicolon()
        name, line = "", self._peek().line
        if self._took("grammar"):
            name, line = self._peek().text, self._peek().line
            self._skip_to_semicolon()
        return name, line

    def imports(self) -> tuple[Import, ...]:
        """import <package.grammar.rule>; or <package.grammar.*>; ..."""
        found = []
        while self._took("import"):
            named = _IMPORT.fullmatch(self._peek().text)
            if not named:
                raise self._expected("'<grammar.rule>' or '<grammar.*>' after import")
            found.append(Import(named[1], named[2], self._take().line))
            self._need(";", "';' at the end of the import")
        return tuple(found)

    def rules(self) -> dict[str, Rule]:
        """[public] <name> = expansion; ... to the end."""
        rules: dict[str, Rule] = {}
        while self._peek().kind != "end":
            if self._peek().text == "import":
                raise self._expected("a rule; imports stand before the first one")
            public = self._took("public")
            if self._peek().kind != "rule":
                raise self._expected("a rule '<name> = ...;'")
            name = self._take().text[1:-1].strip()
            if name in rules:
                raise GrammarError(
                    f"{self._where()}: <{name}> is defined twice; give one of them another name"
                )
            self._need("=")
            rules[name] = Rule(self._choice(), public)
            self._need(";", "';' at the end of the rule")
        return rules

    def _choice(self) -> Expression:
        items, weights = [], []
        while True:
            weights.append(self._weight())
            items.append(self._sequence())
            if not self._took("|"):
                break
        if len(items) == 1:
            return items[0]
        return Choice(tuple(items), _odds(weights))

    def _weight(self) -> float | None:
        if self._peek().kind != "weight":
            return None
        try:
            weight = float(self._peek().text.strip("/").strip())
        except ValueError:
            weight = math.inf
        if not 0 <= weight <= LARGEST_WEIGHT:
            raise self._expected(f"a number between the slashes, 0 to {LARGEST_WEIGHT:g}")
        self._take()
        return weight

    def _sequence(self) -> Expression:
        items = []
        while self._peek().kind in ("word", "quoted", "rule") or self._peek().text in ("(", "["):
            items.append(self._suffixed(self._item()))
        if not items:
            raise self._expected("a word, <rule>, '(' or '['")
        return items[0] if len(items) == 1 else Sequence(tuple(items))

    def _item(self) -> Expression:
        token = self._take()
        if token.kind == "rule":
            return _SPECIAL.get(token.text) or Reference(token.text[1:-1].strip(), token.line)
        if token.text in ("(", "["):
            inner = self._choice()
            self._need(
                {"(": ")", "[": "]"}[token.text], f"the end of the {token.text!r} of line {token.line}"
            )
            return inner if token.text == "(" else optional_item(inner)
        return words_said(token.text.strip('"'))

    def _suffixed(self, item: Expression) -> Expression:
        while True:
            if self._took("*"):
                item = Repeat(item)
            elif self._took("+"):
                item = Repeat(item, at_least=1)
            elif self._peek().kind == "tag":
                item = _tagged(item, self._take().text[1:-1])
            else:
                return item

    def _split(self, text: str) -> Iterator[_Token]:
        position, line = 0, 1
        while position < len(text):
            found = _TOKEN.match(text, position)
            if not found:
                raise GrammarError(
                    f"{self._place}:{line}: {text[position]!r} opens something that never ends"
                )
            if found.lastgroup != "space":
                yield _Token(str(found.lastgroup), found.group(), line)
            elif found.group().startswith("/*"):
                told = threshold_in(found.group(), self._place, line)
                self.threshold = self.threshold if told is None else told
            line += found.group().count("\n")
            position = found.end()
        yield _Token("end", "the end of the file", line)

    def _skip_to_semicolon(self) -> None:
        while not self._took(";"):
            if self._peek().kind == "end":
                raise self._expected("';'")
            self._take()

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        self._next += 1
        return self._tokens[self._next - 1]

    def _took(self, text: str) -> bool:
        taken = self._peek().text == text and self._peek().kind in ("mark", "word")
        self._next += taken
        return taken

    def _need(self, text: str, expected: str = "") -> None:
        if not self._took(text):
            raise self._expected(expected or f"{text!r}")

    def _where(self) -> str:
        return f"{self._place}:{self._peek().line}"

    def _expected(self, what: str) -> GrammarError:
        token = self._peek()
        found = token.text if token.kind == "end" else repr(token.text)
        return GrammarError(f"{self._where()}: expected {what}, found {found}")


def _tagged(item: Expression, tag: str) -> Expression:
    """The item as a slot; an empty tag says nothing."""
    name, has_value, value = (part.strip() for part in re.sub(r"\\(.)", r"\1", tag).partition("="))
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    return Slot(name, item, value if has_value else None) if name else item


def _odds(weights: list[float | None]) -> tuple[float, ...]:
    """Weights beside the largest, so that the likeliest item is as likely as one of a choice without weights;
    an item without one counts as 1."""
    if all(weight is None for weight in weights):
        return ()
    numbers = [1.0 if weight is None else weight for weight in weights]
    largest = max(numbers)
    return tuple(number / largest for number in numbers) if largest else ()
