"""A grammar file, or a folder of them, by the notation that its name tells."""

from __future__ import annotations

import logging
from pathlib import Path

from kws.errors import GrammarError
from kws.grammar.depth import within_stack
from kws.grammar.expression import Grammar
from kws.grammar.jsgf import parse_jsgf
from kws.grammar.templates import parse_templates, templates_grammar
from kws.grammar.text import grammar_text
from kws.grammar.yaml_lines import merged, read_yaml

_TEMPLATES = (".yaml", ".yml", ".json")
_log = logging.getLogger(__name__)


def read_grammar(path: str | Path) -> Grammar:
    """Read .jsgf and .gram (JSGF), or .yaml, .yml and .json (sentence templates).

    A folder stands for all sentence templates in it and in folders below, which share their lists and rules.

    Raises:
        GrammarError: naming the file, the line and what was expected there.
    """
    path = Path(path)
    if path.is_dir():
        grammar = _read_folder(path)
    elif path.suffix.lower() in _TEMPLATES:
        grammar = parse_templates(grammar_text(path), path)
    elif path.suffix.lower() in (".jsgf", ".gram"):
        grammar = parse_jsgf(grammar_text(path), path, folder=path.parent)
    else:
        endings = ".jsgf, .gram, .yaml, .yml or .json"
        raise GrammarError(f"{path}: expected a name that ends in {endings}, or a folder of templates")
    for note in grammar.notes:
        _log.warning("%s", note)
    return grammar


def _read_folder(folder: Path) -> Grammar:
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _TEMPLATES and file.is_file())
    if not files:
        raise GrammarError(f"{folder}: expected sentence templates (.yaml) in this folder, found none")
    with within_stack(str(folder)):
        root = merged([read_yaml(grammar_text(file), str(file)) for file in files])
        return templates_grammar(root, str(folder))
