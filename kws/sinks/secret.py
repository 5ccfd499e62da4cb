"""Passwords and tokens stand in files of their own, not in the configuration."""

from __future__ import annotations

from pathlib import Path

from kws.errors import KwsError


def read_secret(path: str) -> str:
    """The first line of that file, "" for no file; raises KwsError if it cannot be read or is empty."""
    if not path:
        return ""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise KwsError(f"{path}: cannot be read ({reason}); write the secret into its first line") from error
    if not lines or not lines[0].strip():
        raise KwsError(f"{path}: is empty; write the secret into its first line")
    return lines[0].strip()
