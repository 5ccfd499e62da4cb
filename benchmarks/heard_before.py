"""What engines have heard elsewhere, for a page that is written where their tracks are not.

A track depends on the release of a peer or the models of ours, on the words, on thresholds and on the
samples, and its file is named after all of it. So a measurement from before still holds where the names of
all tracks that it was or would be made of are the same now.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Measured = dict[str, Any]
"""default and chosen, points of benchmarks.accuracy or None; curve; made_of, see `mark`."""


def mark(tracks: Iterable[Path]) -> str:
    """Of all tracks that a measurement may be made of, heard or not."""
    names = sorted(track.name for track in tracks)
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]


def furthest(now: Measured | None, before: Measured | None, made_of: str) -> Measured | None:
    """Of what was measured now and before the one that has heard more; now's where they are even.

    Args:
        now: of this machine's tracks, if there are any.
        before: from the page's file.
        made_of: what a measurement is made of now; what was made of anything else is left behind.
    """
    ours = {**now, "made_of": made_of} if now else None
    if before is None or before.get("made_of") != made_of:
        return ours
    return before if ours is None or _heard(before) > _heard(ours) else ours


def _heard(measured: Mapping[str, Any]) -> tuple[float, int]:
    """Hours of speech, and in how many conditions the word."""
    point = measured["default"] or measured["chosen"] or {"hours": 0.0, "misses": {}}
    return point["hours"], len(point["misses"])
