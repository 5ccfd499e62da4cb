"""What the files of a wake word are called."""

from __future__ import annotations


def file_name(phrase: str) -> str:
    """Stem of a bundle's files."""
    return phrase.replace(" ", "_")
