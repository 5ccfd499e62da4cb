"""The recognizer's recipe: how much material, which network, how long; read from TOML, every key checked."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from kws.errors import KwsError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

RECIPES = Path(__file__).parents[1] / "recipes"


@dataclass(frozen=True)
class MaterialRecipe:
    """What the network hears."""

    synthetic: int = 4800
    """Utterances by synthetic voices, about 3 s each."""
    versions: int = 3
    """How many times every utterance is composed anew: 1 clean, more with noise, rooms and other tempo."""
    real_share: float = 1.0
    """Share of the real recordings that is used; less is for trials."""


@dataclass(frozen=True)
class NetworkRecipe:
    """The encoder."""

    front: int = 96
    """Channels at 20 ms a step."""
    width: int = 208
    """Channels at 40 ms a step."""
    dilations: tuple[int, ...] = (1, 1, 2, 2, 4, 4, 8, 8)
    """One residual block each; a block looks back twice its dilation."""
    dropout: float = 0.0
    """Of the features after every layer, in training."""


@dataclass(frozen=True)
class TrainingRecipe:
    """How it learns."""

    epochs: int = 14
    """Each over as much as one version."""
    batch_seconds: float = 160.0
    """Audio in one batch, padding included."""
    learning_rate: float = 2e-3
    """Peak of AdamW's; warms up, then falls on a cosine."""
    warmup: int = 400
    """Batches."""
    weight_decay: float = 1e-3
    clip_norm: float = 1.0
    character_weight: float = 0.6
    """Of the characters' loss against the phones'."""
    averaging: float = 0.998
    """Decay of the running average of the weights, which is what gets kept."""


@dataclass(frozen=True)
class Recipe:
    """All of it."""

    material: MaterialRecipe = field(default_factory=MaterialRecipe)
    network: NetworkRecipe = field(default_factory=NetworkRecipe)
    training: TrainingRecipe = field(default_factory=TrainingRecipe)

    def as_dict(self) -> dict[str, Any]:
        """For the card."""
        return asdict(self)


_PARTS = {"material": MaterialRecipe, "network": NetworkRecipe, "training": TrainingRecipe}


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; KwsError names file and key of whatever is unknown or of the wrong type."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise KwsError(f"{path}: not a readable recipe ({error}); give a TOML file") from error
    unknown = [table for table in tables if table not in _PARTS]
    if unknown:
        raise KwsError(f"{path}: unknown table [{unknown[0]}]; allowed are {', '.join(_PARTS)}")
    return Recipe(**{table: _part(path, table, values) for table, values in tables.items()})


def _part(path: Path, table: str, values: dict[str, Any]) -> Any:
    allowed = {f.name: f.default for f in fields(_PARTS[table])}
    for key, value in values.items():
        if key not in allowed:
            raise KwsError(f"{path}: unknown key {table}.{key}; allowed are {', '.join(allowed)}")
        if not _fits(value, allowed[key]):
            raise KwsError(
                f"{path}: {table}.{key} is {value!r}; it must be like {allowed[key]!r}, not negative"
            )
    return _PARTS[table](**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()})


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, list) and bool(value) and all(type(n) is int and n > 0 for n in value)
    allowed = (int, float) if isinstance(default, float) else (int,)
    return type(value) in allowed and value >= 0
