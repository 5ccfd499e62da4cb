"""A word found by its spelling and a matcher (training.matcher) that nobody trained for it."""

from __future__ import annotations

from pathlib import Path

from training.accuracy.dev_streams import CLEAN, NOISY, SPEECH
from training.ladder.climb import Climbed
from training.ladder.spelled import counted
from training.matcher.dev import scored
from training.matcher.kept import matcher_file, read_matcher


def matched(word: str, rung: str, hears: str, command: str, cache: Path) -> Climbed:
    """What the matcher finds in the dev streams; the size is its own, without what it hears through.

    Raises:
        KwsError: there is no matcher yet.
    """
    path = matcher_file(cache, hears)
    matcher = read_matcher(path).matcher
    heard = {name: scored(matcher, word, name, cache) for name in (CLEAN, NOISY, SPEECH)}
    return counted(word, rung, heard, path.stat().st_size, (0.0, 0.0), command)
