"""From what a layout names to a manifest: every recording heard once, broken ones left out and listed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from kws.errors import SourceError
from kws.sources.file import FileSource
from kws.types import SAMPLE_RATE
from training.data.manifest import KINDS, SPLITS, Clip
from training.data.splits import assign_splits


@dataclass(frozen=True)
class Broken:
    """A recording that cannot be used."""

    path: Path
    cause: str


@dataclass(frozen=True)
class Scan:
    """What a folder came to."""

    clips: list[Clip]
    broken: list[Broken]


@dataclass(frozen=True)
class Tally:
    """One line of the summary."""

    split: str
    kind: str
    clips: int
    speakers: int
    hours: float


def scan(
    found: Iterable[Clip],
    *,
    split: Callable[[list[Clip]], list[Clip]] = assign_splits,
    workers: int = 2,
    progress: Callable[[int], None] = lambda count: None,
) -> Scan:
    """Hear every recording to its end, so that damage shows now; lengths as heard, splits as `split` says."""
    clips: list[Clip] = []
    broken: list[Broken] = []
    with ThreadPoolExecutor(workers) as pool:
        for count, result in enumerate(pool.map(_heard, found), 1):
            (clips if isinstance(result, Clip) else broken).append(result)  # type: ignore[arg-type]
            progress(count)
    return Scan(split(clips), broken)


def _heard(clip: Clip) -> Clip | Broken:
    try:
        with FileSource(str(clip.path)) as blocks:
            samples = sum(len(block.pcm) for block in blocks)
    except SourceError as error:
        return Broken(clip.path, str(error).removeprefix(f"{clip.path}: "))
    return replace(clip, seconds=samples / SAMPLE_RATE)


def tally(clips: Iterable[Clip]) -> list[Tally]:
    """Clips, speakers and hours of each split and kind, in the order of SPLITS and KINDS."""
    groups: dict[tuple[str, str], list[Clip]] = {}
    for clip in clips:
        groups.setdefault((clip.split, clip.kind), []).append(clip)
    ordered = sorted(groups, key=lambda key: (_place(key[0], SPLITS), _place(key[1], KINDS), key))
    return [
        Tally(*key, len(group), len({c.speaker for c in group}), sum(c.seconds for c in group) / 3600)
        for key in ordered
        for group in (groups[key],)
    ]


def _place(name: str, order: tuple[str, ...]) -> int:
    return order.index(name) if name in order else len(order)


def named_speakers(clips: Iterable[Clip], pattern: re.Pattern[str]) -> list[Clip]:
    """Speakers taken from the paths: what the pattern's first group finds, "" where nothing matches."""
    matches = ((clip, pattern.search(clip.path.as_posix())) for clip in clips)
    return [replace(clip, speaker=match[1] if match else "") for clip, match in matches]
