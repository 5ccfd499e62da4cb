"""The three ways of adapting a model to one voice, the best first; which one, the bundle decides.

A head on the published encoder is learned again with the takes among the words. A network of its own goes on
learning from the float weights that lie beside its bundle. Where neither can be had, the threshold alone is
lowered as far as the calibration table allows.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kws.bundle import Bundle
from kws.errors import KwsError
from training.credits import SYNTHETIC
from training.recipe import EMBEDDING_HEAD, DetectorRecipe, MaterialRecipe, Recipe, TrainingRecipe
from training.settings import checked

LEARN_AGAIN, FINE_TUNE, THRESHOLD = "learn again", "fine-tune", "threshold"

_EPOCHS, _SLOWER, _TAPES = 3, 5, 3
"""Fine-tuning: a third of the epochs, a fifth of the learning rate, a third of the tapes."""


@dataclass(frozen=True)
class Way:
    """How a bundle is adapted."""

    name: str
    why: str
    """Why not a better one; empty for the best."""
    recipe: Recipe | None = None
    start: Path | None = None
    """Float weights to begin with."""


def way_for(bundle: Bundle, *, has_recordings: bool) -> Way:
    """The best way that this bundle allows.

    Args:
        bundle: of one wake word.
        has_recordings: whether there are recordings to train on. Without them, a model that learned from
            some would become worse for everybody.
    """
    weights = bundle.model_path.with_suffix(".weights.npz")
    try:
        recipe = recipe_of(bundle.card)
    except KwsError as error:
        return Way(THRESHOLD, f"its card does not say how it was trained ({error})")
    if learned_from_recordings(bundle.card) and not has_recordings:
        return Way(THRESHOLD, "it learned from recordings that are not here; set KWS_DATA")
    if recipe.network["name"] == EMBEDDING_HEAD:
        return Way(LEARN_AGAIN, "", recipe)
    if not weights.is_file():
        return Way(THRESHOLD, f"{weights.name}, its float weights, is not beside it")
    return Way(FINE_TUNE, "", gentler(recipe), weights)


def recipe_of(card: Mapping[str, Any]) -> Recipe:
    """The recipe that a card tells of; KwsError where it tells none, or one of another version."""
    told = card.get("recipe")
    if not isinstance(told, Mapping) or not isinstance(told.get("network"), Mapping):
        raise KwsError("no recipe in it")
    kinds = {"material": MaterialRecipe, "training": TrainingRecipe, "detector": DetectorRecipe}
    parts = {name: checked(kind, told.get(name, {}), "card", name) for name, kind in kinds.items()}
    return Recipe(**parts, network=dict(told["network"]))


def learned_from_recordings(card: Mapping[str, Any]) -> bool:
    """Whether its data are more than synthetic voices, its user's takes and what comes with the package."""
    ours = {*SYNTHETIC, "own recordings", "false alarms"}
    others = sum(count for name, count in card.get("data", {}).items() if name not in ours)
    return bool(others > card.get("packed_speech", 0))


def gentler(recipe: Recipe) -> Recipe:
    """Fewer epochs over fewer tapes, at a lower rate. The texts stay, since their speech is kept."""
    material, training = recipe.material, recipe.training
    return dataclasses.replace(
        recipe,
        material=dataclasses.replace(
            material,
            tapes_with_words=-(-material.tapes_with_words // _TAPES),
            tapes_without=-(-material.tapes_without // _TAPES),
        ),
        training=dataclasses.replace(
            training,
            epochs=-(-training.epochs // _EPOCHS),
            learning_rate=training.learning_rate / _SLOWER,
            mining_rounds=0,
        ),
    )
