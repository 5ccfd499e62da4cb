"""JSpeech Grammar Format 1.0 (W3C note of 5 June 2000) -> Grammar.

A public rule is an intent. A tag fills a slot: `{size}` after an item puts its words into the slot "size",
`{size=big}` puts "big" there. `@threshold 0.3` in a documentation comment is the grammar's own threshold.
Public rules of other grammars are imported from files near by, see `jsgf_files`.
"""

from __future__ import annotations

from pathlib import Path

from kws.errors import GrammarError
from kws.grammar.depth import within_stack
from kws.grammar.expression import Choice, Expression, Grammar, Intent, Repeat, Sequence, Slot
from kws.grammar.jsgf_files import Library, Unit
from kws.grammar.jsgf_syntax import Reference, parse_file


def parse_jsgf(text: str, place: str | Path = "grammar", *, folder: Path | None = None) -> Grammar:
    """Read a JSGF grammar.

    Args:
        place: the file, for messages.
        folder: where it lies, if it does; imports are looked up from there.

    Raises:
        GrammarError: naming the file, the line and what was expected there.
    """
    with within_stack(str(place)):
        main = Unit(parse_file(text, str(place)), folder)
        public = main.file.public
        if not public:
            raise GrammarError(f"{place}: no rule is public; write 'public' before the rule to listen for")
        resolver = _Resolver(Library(main))
        intents = tuple(Intent(name, resolver.resolved(main, name)) for name in public)
        return Grammar(str(place), intents, main.file.threshold)


class _Resolver:
    """References replaced by what they stand for, each rule once."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._done: dict[tuple[int, str], Expression] = {}
        self._open: list[tuple[int, str]] = []

    def resolved(self, unit: Unit, name: str) -> Expression:
        """The expansion, without references, of a rule that stands in that file."""
        key = (id(unit), name)
        if key not in self._done:
            self._open.append(key)
            self._done[key] = self._resolve(unit, unit.file.rules[name].expansion)
            self._open.pop()
        return self._done[key]

    def _resolve(self, unit: Unit, item: Expression) -> Expression:
        if isinstance(item, Reference):
            return self._followed(unit, item)
        if isinstance(item, Sequence):
            return Sequence(tuple(self._resolve(unit, part) for part in item.items))
        if isinstance(item, Choice):
            return Choice(tuple(self._resolve(unit, part) for part in item.items), item.weights)
        if isinstance(item, Repeat):
            return Repeat(self._resolve(unit, item.item), item.at_least)
        if isinstance(item, Slot):
            return Slot(item.name, self._resolve(unit, item.item), item.value)
        return item

    def _followed(self, unit: Unit, reference: Reference) -> Expression:
        where, rule = f"{unit.file.place}:{reference.line}", reference.rule
        home, name = self._meant(unit, reference, where)
        if (id(home), name) in self._open:
            raise GrammarError(f"{where}: <{rule}> contains itself; write a repetition with * or + instead")
        return self.resolved(home, name)

    def _meant(self, unit: Unit, reference: Reference, where: str) -> tuple[Unit, str]:
        """File and name of the rule: of this file, else imported, else by its full name."""
        rule, file = reference.rule, unit.file
        if rule in file.rules:
            return unit, rule
        own = [(unit, name) for name in file.rules if _is_called(rule, file.name, name)]
        imported = own or self._imported(unit, rule)
        if len(imported) > 1:
            which = " or ".join(f"<{home.file.name}.{name}>" for home, name in imported)
            raise GrammarError(f"{where}: <{rule}> is imported from several grammars; write {which}")
        if imported:
            return imported[0]
        if named := reference.full_name:
            home = self._library.needed(unit, named.grammar, named.line)
            return home, self._library.public_rules(unit, home, named)[0]
        known = ", ".join(f"<{name}>" for name in file.rules)
        imports = " or an imported one" if file.imports else ""
        raise GrammarError(f"{where}: expected a rule of this file ({known}){imports}, found <{rule}>")

    def _imported(self, unit: Unit, rule: str) -> list[tuple[Unit, str]]:
        """Every imported rule that may be called so, each once."""
        found: dict[tuple[int, str], tuple[Unit, str]] = {}
        for imported, home in self._library.imports(unit):
            for name in self._library.public_rules(unit, home, imported):
                if rule == name or _is_called(rule, imported.grammar, name):
                    found[id(home), name] = home, name
        return list(found.values())


def _is_called(reference: str, grammar: str, name: str) -> bool:
    """Whether a reference with dots is the rule's full name, or the last parts of it."""
    full = f"{grammar}.{name}"
    return "." in reference and (full == reference or full.endswith(f".{reference}"))
