"""A grammar file, by the notation that its name tells."""

from __future__ import annotations

from pathlib import Path

from kws.errors import GrammarError
from kws.grammar.expression import Grammar
from kws.grammar.jsgf import parse_jsgf
from kws.grammar.templates import parse_templates

_READERS = {".jsgf": parse_jsgf, ".gram": parse_jsgf, ".yaml": parse_templates, ".yml": parse_templates}


def read_grammar(path: str | Path) -> Grammar:
    """Read .jsgf and .gram (JSGF) or .yaml and .yml (sentence templates).

    Raises:
        GrammarError: naming the file, the line and what was expected there.
    """
    reader = _READERS.get(Path(path).suffix.lower())
    if reader is None:
        raise GrammarError(f"{path}: expected a name that ends in .jsgf, .gram, .yaml or .yml")
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise GrammarError(
            f"{path}: cannot be read ({error.strerror}); give the path of a grammar"
        ) from error
    except UnicodeDecodeError as error:
        raise GrammarError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from error
    return reader(text, path)
