"""Plain tables on standard output."""

from __future__ import annotations

from collections.abc import Sequence

import click


def print_table(heading: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns wide enough for their longest cell, two spaces apart; numbers stand right."""
    cells = [list(heading), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heading))]
    right = [
        bool(rows) and all(isinstance(row[c], (int, float)) for row in rows) for c in range(len(heading))
    ]
    for line in cells:
        padded = [
            cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(line, widths, right, strict=True)
        ]
        click.echo("  ".join(padded).rstrip())
