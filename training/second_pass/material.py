"""What a second pass learns from: the frozen recognizer's log-probabilities of takes, and their texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.tokens import CHARACTERS
from training.recognizer.hearing import hearing
from training.recognizer.material import dev_sets, gather
from training.recognizer.recipe import MaterialRecipe
from training.recognizer.takes import Takes
from training.second_pass.learn import Lesson


def lessons(bundle: RecognizerBundle, takes: Takes, which: Sequence[int]) -> Iterator[Lesson]:
    """Some of the takes as the recognizer hears them, each from a fresh start."""
    acoustic, ear = AcousticModel(bundle, "phones"), hearing(bundle.encoder)
    for index in which:
        text = takes.texts[index]
        if text and set(text) <= set(CHARACTERS.symbols):
            acoustic.reset()
            given = np.concatenate([takes[index], np.tile(ear.quiet, (ear.after_rows, 1))])
            yield Lesson(acoustic.of_inputs(given)[acoustic.kind], text)


def training_lessons(
    bundle: RecognizerBundle, recipe: MaterialRecipe, *, most: int, seed: int, cache: Path
) -> list[Lesson]:
    """At most so many of the takes that the recognizer was trained on, drawn from all their versions."""
    material = gather(recipe, seed=seed, cache=cache, encoder=bundle.encoder)
    rng, found = np.random.default_rng(seed), []
    for takes in material.versions:
        which = rng.permutation(len(takes))[: most // len(material.versions)]
        found += list(lessons(bundle, takes, which))
    return found


def dev_lessons(bundle: RecognizerBundle, *, most: int, cache: Path) -> dict[str, list[Lesson]]:
    """Of each dev set."""
    return {
        name: list(lessons(bundle, takes, range(len(takes))))
        for name, takes in dev_sets(cache, most=most, encoder=bundle.encoder).items()
    }
