"""Options that the training commands share."""

from __future__ import annotations

from pathlib import Path

import click

output_option = click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory for the new bundle."
)
seed_option = click.option(
    "--seed", type=click.IntRange(0), default=1, show_default=True, help="Seed of everything random."
)
resume_option = click.option(
    "--resume", is_flag=True, help="Go on where Ctrl-C or a power cut ended the same training."
)
cache_option = click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path(".cache"),
    show_default=True,
    help="Where speech and tapes are kept.",
)
recognizer_cache_option = click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path(".cache/recognizer"),
    show_default=True,
    help="Where voices and features are kept.",
)
