"""What the files of a wake word are called."""

from __future__ import annotations

import re


def file_name(phrase: str) -> str:
    """Stem of a bundle's files: one name, whatever the phrase has in it, that leads to no other folder."""
    return re.sub(r"[^\w'-]+", "_", phrase).strip("_") or "word"
