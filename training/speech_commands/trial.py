"""One recipe, read from top to bottom: hear, learn, answer, count."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training.settings import read_settings
from training.speech_commands.classifier import Classifier
from training.speech_commands.figures import Figures
from training.speech_commands.hearing import Heard, learned_rows, tested_rows
from training.speech_commands.learning import LearningRecipe, answers, learn
from training.speech_commands.task import CLASSES, Task
from training.stopwatch import Stopwatch

RECIPES = Path(__file__).parents[1] / "recipes" / "speech_commands"


def tried(
    name: str, task: Task, changes: Mapping[str, int], seed: int, cache: Path, say: Callable[[str], object]
) -> Figures:
    """What comes of the recipe of that name.

    Args:
        name: of one in RECIPES.
        task: clips to learn from and to be tested on.
        changes: of its table [training].
        seed: of everything that is drawn.
        cache: where rows are kept.
        say: told the loss of every epoch.
    """
    keras.utils.set_random_seed(seed)
    recipe, settings = recipe_of(name, changes)
    learned = learned_rows(task, recipe.most, recipe.versions, seed, cache)
    tested = tested_rows(task, seed, cache)
    network, watch = Classifier(settings.pop("name"), settings, len(CLASSES)), Stopwatch()
    for epoch, loss in enumerate(learn(network, learned, recipe, seed), 1):
        say(f"{name}, epoch {epoch}/{recipe.epochs}: loss {loss:.4f}")
    minutes = watch.minutes()
    clips = {of: int((learned.classes == n).sum()) // recipe.versions for n, of in enumerate(CLASSES)}
    return Figures(
        name, network.weights, task.is_whole, clips, given(tested, answers(network, tested)), recipe.epochs,
        *minutes, _command(name, changes, seed), time.strftime("%Y-%m-%d"),
    )  # fmt: skip


def recipe_of(name: str, changes: Mapping[str, int]) -> tuple[LearningRecipe, dict[str, Any]]:
    """How the recipe learns, and the network's name and settings."""
    tables = read_settings(RECIPES / f"{name}.toml", {"network": dict, "training": LearningRecipe})
    return dataclasses.replace(tables["training"], **changes), dict(tables["network"])


def given(tested: Heard, found: np.ndarray) -> dict[str, dict[str, int]]:
    """Class -> what it was taken for -> how often."""
    counts: dict[str, Counter[str]] = {}
    for truth, answer in zip(tested.classes, found, strict=True):
        counts.setdefault(CLASSES[truth], Counter())[CLASSES[answer]] += 1
    return {truth: dict(answered) for truth, answered in counts.items()}


def _command(name: str, changes: Mapping[str, int], seed: int) -> str:
    options = "".join(f" --{key} {value}" for key, value in changes.items())
    return f"python -m training.speech_commands {name}{options} --seed {seed}"
