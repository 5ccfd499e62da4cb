"""The recognizer's recipe: how much material, which network, how long; read from TOML, every key checked."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kws.frontends import MICRO
from training.settings import read_settings


@dataclass(frozen=True)
class MaterialRecipe:
    """What the network hears."""

    synthetic: int = 4800
    """Utterances by synthetic voices, about 3 s each."""
    versions: int = 3
    """How many times every utterance is composed anew: 1 clean, more with noise, rooms and other tempo."""
    real_share: float = 1.0
    """Share of the real recordings that is used; less is for trials."""
    tempo: bool = True
    """Whether takes are quicker or slower than what was recorded."""
    noise: bool = True
    """Whether some are heard in noise."""
    rooms: bool = True
    """Whether some are heard in rooms."""
    abrupt: bool = True
    """Whether the versions in which speech begins with the recording are among them."""


@dataclass(frozen=True)
class NetworkRecipe:
    """The encoder."""

    name: str = "convolutions"
    """That, or one of `training.recognizer.encoders`, which has as many layers as there are dilations."""
    encoder: str = MICRO
    """What hears the audio for the network, see training.recognizer.hearing."""
    front: int = 96
    """Channels at 20 ms a step, behind the micro front end or the energies of the whole band."""
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
    """Peak of AdamW's."""
    pretrained_rate: float = 3e-4
    """The same for weights that come from elsewhere."""
    warmup: int = 400
    """Batches until it is reached."""
    falling_share: float = 0.4
    """Of all batches, how many of the last ones let it fall, on a cosine."""
    masked_share: float = 1.0
    """Of the takes, how many have stretches masked."""
    easy_first: bool = True
    """Whether the first epoch goes from short takes to long ones."""
    weight_decay: float = 1e-3
    clip_norm: float = 1.0
    """Of all gradients together, at most; 0 leaves them as they are."""
    character_weight: float = 0.6
    """Of the characters' loss against the phones'."""
    attention_weight: float = 0.0
    """Of an attention decoder's loss against CTC's, see training.recognizer.joint; 0 trains none."""
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


def read_recipe(path: Path) -> Recipe:
    """Read a recipe; KwsError names file and key of whatever is unknown or of the wrong type."""
    return Recipe(**read_settings(path, _TABLES))


_TABLES = {"material": MaterialRecipe, "network": NetworkRecipe, "training": TrainingRecipe}
