"""The speech that the student hears: all recordings that may be published on, and synthetic voices."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kws.errors import KwsError
from training.data.manifest import Clip
from training.material.ingredients import trainable
from training.micro_encoder.pairs import Pairs, heard_and_taught
from training.recognizer.corpus import recorded, synthetic


@dataclass(frozen=True)
class Material:
    """Clips, and what of them is noise."""

    clips: tuple[Path, ...]
    noises: tuple[Path, ...]
    sources: Mapping[str, int]
    """Corpus or back end -> clips, for the card."""

    def version(self, number: int, cache: Path) -> Pairs:
        """All of it, in levels, rooms and noises that every number draws anew."""
        return heard_and_taught(self.clips, self.noises, seed=number, cache=cache)


def gather(spoken: int, *, seed: int, cache: Path, hours: float = math.inf) -> Material:
    """Recordings of the `train` split under KWS_DATA, at most so many hours, and so many synthetic ones.

    Raises:
        KwsError: there is neither.
    """
    clips = trainable()
    texts = [utterance.text for utterance in recorded(clips) if not utterance.is_word]
    made = synthetic(spoken, texts, cache / "recognizer" / "voices", seed=seed) if spoken else []
    chosen = _drawn(clips, hours, seed)
    if not chosen and not made:
        raise KwsError("nothing to learn from; set KWS_DATA to the data root")
    paths = [*(clip.path for clip in chosen), *(utterance.path for utterance in made)]
    sources = Counter([*(clip.corpus for clip in chosen), *(utterance.corpus for utterance in made)])
    return Material(tuple(paths), tuple(clip.path for clip in chosen if clip.kind == "noise"), sources)


def _drawn(clips: Sequence[Clip], hours: float, seed: int) -> list[Clip]:
    """All in their order where they are no longer, else so many of them by lot."""
    if sum(clip.seconds for clip in clips) <= 3600 * hours:
        return list(clips)
    order = np.random.default_rng(seed).permutation(len(clips))
    seconds = np.cumsum([clips[number].seconds for number in order])
    return [clips[number] for number in order[: np.searchsorted(seconds, 3600 * hours)]]
