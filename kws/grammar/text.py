"""The text of a grammar's file."""

from __future__ import annotations

from pathlib import Path

from kws.errors import GrammarError


def grammar_text(path: Path) -> str:
    """UTF-8, with or without a mark at its beginning; GrammarError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise GrammarError(
            f"{path}: cannot be read ({error.strerror}); give the path of a grammar"
        ) from error
    except UnicodeDecodeError as error:
        raise GrammarError(f"{path}: not UTF-8 text ({error.reason}); save it as UTF-8") from error
