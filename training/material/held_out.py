"""What nothing learns from: some of the speakers, and of synthetic clips some of the clips."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kws.types import Samples
from training.material.tapes import Pool

Source = Path | Samples
Sources = tuple[Source, ...]


def apart(pool: Pool, share: float, speakers: Mapping[Path, str]) -> tuple[Pool, Pool]:
    """What is learned from, and what is held out, which may be without words.

    The speaker's name decides alone, of synthetic clips their samples, so the same ones are held out whatever
    else there is. A group of words with nobody else in it is learned from; speech or noise that would be all
    on one side is on both.
    """

    def split(sources: Sequence[Source]) -> tuple[Sources, Sources]:
        places = [_place(source, speakers) for source in sources]
        learnt = tuple(s for s, place in zip(sources, places, strict=True) if place >= share)
        return learnt, tuple(s for s, place in zip(sources, places, strict=True) if place < share)

    groups = [(split(clips), clips, weight) for clips, weight in pool.words]
    words = (
        tuple((learnt or clips, weight) for (learnt, _), clips, weight in groups),
        tuple((held, weight) for (learnt, held), _, weight in groups if learnt and held),
    )
    speech, noise = split(pool.speech), split(pool.noise)
    learnt, held = (
        replace(pool, words=words[n], speech=speech[n] or pool.speech, noise=noise[n] or pool.noise)
        for n in (0, 1)
    )
    return learnt, held


def _place(source: Source, speakers: Mapping[Path, str]) -> float:
    """Where between 0 and 1 this one stands."""
    name = speakers.get(source, str(source)).encode() if isinstance(source, Path) else source.tobytes()
    return int.from_bytes(hashlib.sha256(name).digest()[:4], "big") / 2**32
