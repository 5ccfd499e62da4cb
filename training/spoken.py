"""What synthetic voices say for a wake word: the phrase itself, phrases near it, and everything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kws.types import Samples
from training.material import changed_voices
from training.recipe import MaterialRecipe, near_misses
from training.synth import synthesize

CARRIERS = ("{}", "{}", "{}", "{}!", "{}?", "hey {}", "{}.", "okay {}")
"""In which the phrase stands, at its end."""


@dataclass(frozen=True)
class Spoken:
    """int16 clips, 16 kHz, some of them by changed voices."""

    words: list[Samples]
    """The phrase, at the end of each."""
    others: list[Samples]


def spoken(
    phrase: str, recipe: MaterialRecipe, sentences: Sequence[str], *, seed: int, cache: Path | None
) -> Spoken:
    """As much as the recipe says, half of it by the voices as they are where `changed_voices` is 1.

    Args:
        phrase: lower case, single spaces.
        recipe: how much of what.
        sentences: texts without the phrase, for what is no near miss.
        seed: of everything random.
        cache: where synthesized speech is kept.
    """
    rng = np.random.default_rng(seed)
    carried = [CARRIERS[rng.integers(len(CARRIERS))].format(phrase) for _ in range(recipe.synthetic_words)]
    words = synthesize(carried, rng, cache=cache)
    others = synthesize(_other_texts(phrase, sentences, recipe, rng), rng, cache=cache)
    return Spoken(
        words + changed_voices(words, recipe.changed_voices, seed=seed),
        others + changed_voices(others, recipe.changed_voices, seed=seed + 1),
    )


def _other_texts(
    phrase: str, sentences: Sequence[str], recipe: MaterialRecipe, rng: np.random.Generator
) -> list[str]:
    """Near misses in the share that the recipe says, the rest from the sentences."""
    misses = near_misses(phrase) or [word for word in phrase.split() if word != phrase]
    pick = rng.random(recipe.synthetic_speech) < (recipe.near_miss_share if misses else 0)
    texts = (misses if near else sentences for near in pick)
    return [choice[rng.integers(len(choice))] for choice in texts]
