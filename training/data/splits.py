"""Which clips are trained on and which measure: decided by speaker, so that no voice is on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace

from training.data.manifest import SPLITS, Clip

DEV_SHARE = 0.1
TEST_SHARE = 0.1
"""Shares of speakers, as in Speech Commands."""


def split_of(speaker: str, dev_share: float = DEV_SHARE, test_share: float = TEST_SHARE) -> str:
    """The split of a speaker: the same in every corpus, on every machine, whoever else is there.

    SHA-256 of the name, read as a number in [0, 1). The corpus is left out, so a speaker whom two versions of
    a corpus share stays on one side. An unknown speaker ("") is trained on: it might be anybody.
    """
    if not speaker:
        return "train"
    place = int.from_bytes(hashlib.sha256(speaker.encode()).digest()[:8], "big") / 2**64
    if place < test_share:
        return "test"
    return "dev" if place < test_share + dev_share else "train"


def assign_splits(
    clips: Iterable[Clip], dev_share: float = DEV_SHARE, test_share: float = TEST_SHARE
) -> list[Clip]:
    """Clips with a split each: their own where the corpus gives one, otherwise by `split_of`.

    A speaker for whom that leads to several splits goes as a whole to the most guarded: test, then dev.
    """
    placed = [
        clip if clip.split else replace(clip, split=split_of(clip.speaker, dev_share, test_share))
        for clip in clips
    ]
    guarded: dict[str, str] = {}
    for clip in placed:
        guarded[clip.speaker] = max(guarded.get(clip.speaker, "train"), clip.split, key=SPLITS.index)
    return [replace(clip, split=guarded[clip.speaker]) if clip.speaker else clip for clip in placed]
