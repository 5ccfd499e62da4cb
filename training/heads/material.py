"""What a head learns from: tapes with the word, and all real speech there is without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kws.frontends import SPEECH_EMBEDDING, row_format
from kws.types import Rows
from training.data.manifest import Clip
from training.embedded import NOISY, QUIET, Embedded, embed
from training.heads.examples import Examples, join
from training.material import SPOKEN, holds, ingredients, tapes_of, trainable
from training.recipe import MaterialRecipe
from training.tapes import IGNORED, NEGATIVE, Marks, TapeConfig

TAPES = TapeConfig(positive=(-0.05, 0.4), ignored=(-0.8, 1.6))
"""A word may be heard up to 0.4 s after its end. Nothing else about it is judged: the hardest examples would
be those whose end was found wrongly, and a score that comes early or stays long does no harm."""

_NOISY_SHARE = 3
"""Every third recording is heard a second time, in rooms and noise, where the recipe asks for it."""
_ECHO_SECONDS = 2.0
"""After a recording with the word in it, so long the rows are not judged."""


@dataclass(frozen=True)
class HeadMaterial:
    """Examples and what they came from."""

    examples: Examples
    sources: dict[str, int]
    """Corpus or voice family -> clips used, for the card."""
    hours: float


def gather(
    phrase: str,
    recipe: MaterialRecipe,
    *,
    look_back: int,
    seed: int,
    cache: Path,
    recordings: bool = True,
) -> HeadMaterial:
    """Examples for `phrase`; real recordings are used when `recordings` and the data root has them."""
    found = ingredients(phrase, recipe, seed=seed, recordings=recordings)
    made = tapes_of(found, recipe, TAPES, seed=seed, cache=cache, front_end=SPEECH_EMBEDDING)
    sequences = [pair for tapes in made for pair in zip(tapes.rows, tapes.marks, strict=True)]
    if recordings:
        sequences += real_speech(phrase, noisy=recipe.noisy_speech, cache=cache)
    row_seconds = row_format(SPEECH_EMBEDDING).row_seconds
    steps = round((TAPES.positive[1] - TAPES.positive[0]) / row_seconds)
    hours = sum(len(rows) for rows, _ in sequences) * row_seconds / 3600
    return HeadMaterial(join(sequences, look_back=look_back, steps=steps), found.sources, hours)


def real_speech(phrase: str, *, noisy: bool, cache: Path) -> list[tuple[Rows, Marks]]:
    """All trainable recordings, and a part again in noise; where the phrase is said is not judged."""
    clips = [clip for clip in trainable() if clip.kind in SPOKEN or clip.kind == "noise"]
    noises = [clip.path for clip in clips if clip.kind == "noise"]
    if not clips:
        return []
    found = [*_sequences(embed(clips, [], QUIET, seed=1, cache=cache), clips, phrase)]
    if noisy:
        some = clips[::_NOISY_SHARE]
        found += _sequences(embed(some, noises, NOISY, seed=2, cache=cache), some, phrase)
    return found


def _sequences(found: Embedded, clips: list[Clip], phrase: str) -> Iterator[tuple[Rows, Marks]]:
    said = np.array([holds(clip, phrase) or phrase in clip.label.lower() for clip in clips])[found.owner]
    echo = round(_ECHO_SECONDS / row_format(SPEECH_EMBEDDING).row_seconds)
    near = np.convolve(said, np.ones(echo + 1))[: len(said)] > 0
    marks = np.where(near, IGNORED, NEGATIVE).astype(np.int8)
    starts = np.flatnonzero(found.first)[1:]
    yield from zip(np.split(found.rows, starts), np.split(marks, starts), strict=True)
