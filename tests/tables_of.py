"""Reading tables of Markdown."""

from __future__ import annotations


def row_of(text: str, title: str) -> list[list[str]]:
    """Cells of every row of the text's tables that begins with this title."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"
    ]
    return [row for row in rows if row[0] == title]
