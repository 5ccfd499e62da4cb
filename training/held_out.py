"""What nothing learns from: some of the speakers, and of synthetic clips some of the clips."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from kws.types import Samples
from training.tapes import Pool

Source = Path | Samples


def apart(pool: Pool, share: float, speakers: Mapping[Path, str]) -> tuple[Pool, Pool]:
    """What is learned from, and what is held out; either may be left without words.

    The speaker's name decides alone, of synthetic clips their samples, so the same ones are held out whatever
    else there is. Speech or noise that would be all on one side is on both.
    """
    sides = []
    for of_held in (False, True):

        def chosen(sources: Sequence[Source], of_held: bool = of_held) -> tuple[Source, ...]:
            return tuple(s for s in sources if (_place(s, speakers) < share) == of_held)

        words = tuple((group, weight) for clips, weight in pool.words if (group := chosen(clips)))
        speech, noise = chosen(pool.speech) or pool.speech, chosen(pool.noise) or pool.noise
        sides.append(replace(pool, words=words, speech=speech, noise=noise))
    return sides[0], sides[1]


def _place(source: Source, speakers: Mapping[Path, str]) -> float:
    """Where between 0 and 1 this one stands."""
    name = speakers.get(source, str(source)).encode() if isinstance(source, Path) else source.tobytes()
    return int.from_bytes(hashlib.sha256(name).digest()[:4], "big") / 2**32
