"""Grammars that import one another: which file each is, read once.

A grammar `home.rooms` that `house.jsgf` imports is the file `home/rooms.jsgf` (or `.gram`) beside it, or
`rooms.jsgf` beside it; where `house.jsgf` is a grammar of a package itself, as `home.house`, and lies in a
folder `home`, the package's folders are also looked for beside that folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kws.errors import GrammarError
from kws.grammar.jsgf_syntax import Import, ParsedFile, parse_file
from kws.grammar.text import grammar_text

ENDINGS = (".jsgf", ".gram")


@dataclass(frozen=True, eq=False)
class Unit:
    """A file that has been read, and the folder where it lies, if it does."""

    file: ParsedFile
    folder: Path | None


class Library:
    """All files that a grammar needs, found as they are imported.

    Raises GrammarError at once where an import of `main`, or of a grammar that it imports, leads nowhere.
    """

    def __init__(self, main: Unit) -> None:
        self._units: dict[Path, Unit] = {}
        if main.folder is not None:
            self._units[Path(main.file.place).resolve()] = main
        seen: set[int] = set()
        waiting = [main]
        while waiting:
            unit = waiting.pop()
            if id(unit) not in seen:
                seen.add(id(unit))
                for imported, home in self.imports(unit):
                    self.public_rules(unit, home, imported)
                    waiting.append(home)

    def imports(self, unit: Unit) -> Iterator[tuple[Import, Unit]]:
        """What a file imports, and the file that each comes from."""
        for imported in unit.file.imports:
            yield imported, self.needed(unit, imported.grammar, imported.line)

    def needed(self, unit: Unit, grammar: str, line: int) -> Unit:
        """The file of a grammar that a line of another one names; GrammarError where there is none."""
        where = f"{unit.file.place}:{line}"
        if grammar == unit.file.name:
            return unit
        if unit.folder is None:
            raise GrammarError(f"{where}: expected a grammar in a file, as imports are looked up beside it")
        candidates = _candidates(unit, unit.folder, grammar)
        path = next((path for path in candidates if _is_file(path)), None)
        if path is None:
            names = ", ".join(map(str, candidates))
            raise GrammarError(f"{where}: expected the grammar {grammar} in a file ({names}), found none")
        return self._read(path, grammar, where)

    def public_rules(self, unit: Unit, home: Unit, imported: Import) -> list[str]:
        """The rules that an import stands for; GrammarError where one is missing or private."""
        where, name = f"{unit.file.place}:{imported.line}", imported.rule
        known = ", ".join(f"<{rule}>" for rule in home.file.public) or "none"
        if name == "*" and home.file.public:
            return home.file.public
        if name in home.file.public:
            return [name]
        if name in home.file.rules:
            raise GrammarError(f"{where}: <{name}> is private; write 'public' before it in {home.file.place}")
        found = "nothing to import" if name == "*" else f"<{name}>"
        raise GrammarError(f"{where}: expected a public rule of {home.file.place} ({known}), found {found}")

    def _read(self, path: Path, grammar: str, where: str) -> Unit:
        key = path.resolve()
        if key not in self._units:
            self._units[key] = Unit(parse_file(grammar_text(path), str(path)), path.parent)
        file = self._units[key].file
        if file.name != grammar:
            raise GrammarError(
                f"{file.place}:{file.name_line}: expected 'grammar {grammar};', as {where} imports it, "
                f"found {file.name or 'no name'!r}"
            )
        return self._units[key]


def _is_file(path: Path) -> bool:
    """No for paths that no file can have, and for folders that are closed to us."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _candidates(unit: Unit, folder: Path, grammar: str) -> list[Path]:
    """Where the grammar may lie, the likeliest first."""
    *package, name = grammar.split(".")
    bases = [_root(unit, folder).joinpath(*package), folder.joinpath(*package), folder]
    return [base / f"{name}{ending}" for base in dict.fromkeys(bases) for ending in ENDINGS]


def _root(unit: Unit, folder: Path) -> Path:
    """Where the packages begin: above the folders of the grammar's own package, if it lies in them."""
    package = unit.file.name.split(".")[:-1]
    parts = folder.resolve().parts
    if package and parts[-len(package) :] == tuple(package):
        return Path(*parts[: -len(package)])
    return folder
