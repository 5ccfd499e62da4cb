"""What stops an export before anything is written."""

from __future__ import annotations

from kws.errors import KwsError


class ExportError(KwsError):
    """A model that a target cannot run; the text names the op or tensor, the cause and the remedy."""
