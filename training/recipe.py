"""A recipe: how much material, which network, how long; read from TOML, every key checked."""

from __future__ import annotations

import dataclasses
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kws.errors import KwsError
from kws.frontends import SPEECH_EMBEDDING, require
from training.heads.recipe import head_recipe
from training.settings import check_above_zero, read_settings, read_tables

RECIPES = Path(__file__).parent / "recipes"
EMBEDDING_HEAD = "embedding-head"
"""Name of the network that is a head on the published encoder (training.heads)."""
LOSSES = ("cross-entropy", "focal", "max-pooling")


def find_recipe(name_or_path: str | Path) -> Path:
    """The file of a bundled recipe's name ("gru"), or the path itself.

    A bundled name comes first; write ./gru for a file that is called the same.
    """
    bundled = RECIPES / f"{name_or_path}.toml"
    return bundled if str(name_or_path) in _bundled_names() else Path(name_or_path)


def default_recipe() -> str:
    """What hears best from a spelling alone, as far as this machine has it."""
    try:
        require(SPEECH_EMBEDDING)
    except KwsError:
        return "micro_head"
    return "embedding_head"


def short_name(recipe: Path) -> str:
    """What `find_recipe` takes for it: the name of a bundled recipe, else its path."""
    return recipe.stem if recipe.resolve().parent == RECIPES.resolve() else str(recipe)


def _bundled_names() -> set[str]:
    return {path.stem for path in RECIPES.glob("*.toml")}


def _bundled_here() -> str:
    """Those of wake words; a recognizer's network has no name."""
    return ", ".join(
        name
        for name in sorted(_bundled_names())
        if "name" in read_tables(RECIPES / f"{name}.toml").get("network", {})
    )


@dataclass(frozen=True)
class MaterialRecipe:
    """How much of what goes onto the tapes."""

    synthetic_words: int = 2500
    """The phrase, spoken by synthetic voices."""
    changed_voices: int = 0
    """Copies of each of them by other speakers, through voice transformation."""
    joined_words: int = 0
    """The phrase, joined from pieces of what real readers said, where there are sentences of theirs."""
    generated_words: int = 0
    """The phrase, in voices of people, by the generator (training.generator)."""
    generated_speech: int = 0
    """Sentences and near misses by it, so that its sound alone tells nothing."""
    real_words: bool = True
    """Whether real recordings of the phrase are used where there are any."""
    synthetic_speech: int = 1200
    """Sentences and near misses by the same voices, so that synthesis alone tells nothing."""
    near_miss_share: float = 1 / 3
    """Of these, how many are near misses."""
    synthetic_share: float = 0.0
    """Least share of synthetic voices in the other speech on tapes with words."""
    real_share: float = 0.4
    """Of heads: share of people among those who say the phrase; a recording is heard in many rooms for it."""
    tapes_with_words: int = 900
    tapes_without: int = 1900

    def said_by(self, voices: str) -> MaterialRecipe:
        """Without what others than "generator" or "synthesizers" would say; "": the same."""
        none = {
            "generator": {"synthetic_words": 0, "synthetic_speech": 0},
            "synthesizers": {"generated_words": 0, "generated_speech": 0},
        }
        return dataclasses.replace(self, **none.get(voices, {}))


@dataclass(frozen=True)
class TrainingRecipe:
    """How the network learns."""

    epochs: int = 24
    batch: int = 64
    """Tapes side by side."""
    chunk_seconds: float = 3.33
    """Back-propagation through time reaches this far; the state is carried on beyond it."""
    learning_rate: float = 2e-3
    """Peak of AdamW's; warms up, then falls on a cosine."""
    weight_decay: float = 1e-4
    clip_norm: float = 1.0
    positive_weight: float = 2.0
    """Weight of a step just after the word against one elsewhere."""
    hard_share: float = 4.0
    """How much more often a tape is heard whose worst false score is 1 than one whose is 0."""
    averaging: float = 0.998
    """Decay of the running average of the weights, which is what gets kept."""
    loss: str = "cross-entropy"
    """Per step; or "focal", or "max-pooling" over the steps after a word."""
    focal_gamma: float = 2.0
    """Of the focal loss: how little a step weighs that is known already."""
    reset_share: float = 0.1
    """How often a lane begins a tape with a fresh state instead of the one that the last tape left."""
    exchange_share: float = 0.5
    """How often a lane goes on from the state of another one, where no word is near: what was heard long ago
    tells nothing of what comes."""
    held_out: float = 0.08
    """Share of the clips that nothing learns from; they choose the best epoch. 0: the last one is kept."""
    allowed_per_hour: float = 0.5
    """False alarms at which the misses on them are counted."""
    mining_rounds: int = 0
    """How often tapes of other speech are made anew, and those that are taken for the word learned from."""
    mining_tapes: int = 240
    """In each round, two hours."""


@dataclass(frozen=True)
class DetectorRecipe:
    """How scores become detections."""

    window: int = 5
    """Steps averaged."""
    refractory_seconds: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """All of it."""

    material: MaterialRecipe = field(default_factory=MaterialRecipe)
    training: TrainingRecipe = field(default_factory=TrainingRecipe)
    detector: DetectorRecipe = field(default_factory=DetectorRecipe)
    network: dict[str, Any] = field(default_factory=lambda: {"name": "gru"})
    """Architecture name and its settings."""

    def as_dict(self) -> dict[str, Any]:
        """For the card."""
        return asdict(self)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; KwsError names file and key of whatever is unknown or of the wrong type."""
    if not path.is_file():
        raise KwsError(f"{path}: no such recipe; give one of {_bundled_here()}, or the path of a TOML file")
    tables = read_settings(path, _TABLES)
    recipe, file = Recipe(**tables), str(path)
    if recipe.training.loss not in LOSSES:
        raise KwsError(f"{file}: training.loss is {recipe.training.loss!r}; give one of {', '.join(LOSSES)}")
    check_above_zero(recipe.training, ("epochs", "batch", "chunk_seconds"), file, "training")
    check_above_zero(recipe.detector, ("window",), file, "detector")
    _check_network(recipe, "training" in tables, file)
    return recipe


def _check_network(recipe: Recipe, has_training: bool, file: str) -> None:
    """As far as that can be told without TensorFlow (training.models.check_settings)."""
    tapes = recipe.material.tapes_with_words + recipe.material.tapes_without
    if not isinstance(recipe.network.get("name"), str):
        raise KwsError(f'{file}: [network] has no name; say which one, such as name = "gru"')
    if recipe.network["name"] == EMBEDDING_HEAD:
        head_recipe(recipe.network, file)
        if has_training:
            raise KwsError(f"{file}: a head has no [training]; how it learns stands in its [network]")
    elif tapes < recipe.training.batch:
        raise KwsError(
            f"{file}: training.batch is {recipe.training.batch}, more than there are tapes ({tapes}); "
            "give a smaller one, or more material.tapes_with_words"
        )


_TABLES = {
    "material": MaterialRecipe,
    "training": TrainingRecipe,
    "detector": DetectorRecipe,
    "network": dict,
}
