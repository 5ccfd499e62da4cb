"""Settings of heads, from the table [network] of a recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kws.errors import KwsError
from kws.frontends import MICRO_EMBEDDING, SPEECH_EMBEDDING
from training.settings import check_above_zero, checked

VOICES = ("", "generator", "synthesizers")
""""": both of them, as much as [material] has of each."""


@dataclass(frozen=True)
class HeadRecipe:
    """What a head is like and how it learns."""

    encoder: str = SPEECH_EMBEDDING
    """What it stands on, or "micro-embedding"."""
    second: str = ""
    """Another one, on which more heads of this kind judge what these propose; "": none."""
    voices: str = ""
    """Who says the phrase and other speech that is made, one of VOICES."""
    second_voices: str = ""
    """The same for the heads of `second`."""
    whole: bool = False
    """Whether encoder and head become one model on the micro front end, for a device."""
    heads: int = 2
    """Each learns from all but a share of the material, by which it is judged; the answer is their mean."""
    context: int = 12
    """Embeddings it hears, 80 ms each."""
    projected: int = 20
    """Values that each embedding is first brought to."""
    hidden: int = 16
    rounds: int = 6
    """After each, all negatives are heard and the hardest sought out."""
    steps: int = 250
    """Batches in a round."""
    words: int = 128
    """In a batch."""
    negatives: int = 768
    """In a batch."""
    hard_share: float = 0.65
    """Of these, how many are among the hardest."""
    hardest: int = 4000
    learning_rate: float = 2e-3
    """Peak of AdamW's, which falls on a cosine."""
    weight_decay: float = 1e-3
    dropout: float = 0.5
    """Of projections."""
    jitter: float = 0.5
    """Noise on embeddings, in their own standard deviations."""
    smoothing: float = 0.02
    """Label smoothing: so much is left for the answer not to be as labelled."""
    averaging: float = 0.99
    """Decay of the running average of the weights, which is what gets kept."""


_ABOVE_ZERO = ("context", "projected", "hidden", "rounds", "steps", "words", "negatives", "hardest")


def head_recipe(network: Mapping[str, Any], file: str = "recipe") -> HeadRecipe:
    """From a recipe's [network]; KwsError names file and key of what is unknown or of the wrong type."""
    given = {key: value for key, value in network.items() if key != "name"}
    recipe = checked(HeadRecipe, given, file, "network")
    check_above_zero(recipe, _ABOVE_ZERO, file, "network")
    if recipe.heads < 2:
        raise KwsError(
            f"{file}: network.heads is {recipe.heads}, expected 2 or more: each judges another's part"
        )
    _check_encoders(recipe, file)
    for key in ("voices", "second_voices"):
        if getattr(recipe, key) not in VOICES:
            allowed = ", ".join(map(repr, VOICES))
            raise KwsError(f"{file}: network.{key} is {getattr(recipe, key)!r}, allowed are {allowed}")
    if recipe.whole and recipe.encoder != MICRO_EMBEDDING:
        raise KwsError(f"{file}: network.whole needs network.encoder = {MICRO_EMBEDDING!r}")
    return recipe


def _check_encoders(recipe: HeadRecipe, file: str) -> None:
    encoders = (SPEECH_EMBEDDING, MICRO_EMBEDDING)
    if recipe.encoder not in encoders:
        raise KwsError(
            f"{file}: network.encoder is {recipe.encoder!r}, "
            f"allowed are {SPEECH_EMBEDDING!r} and {MICRO_EMBEDDING!r}"
        )
    others = [encoder for encoder in encoders if encoder != recipe.encoder]
    if recipe.second and (recipe.second not in others or recipe.whole):
        raise KwsError(
            f"{file}: network.second is {recipe.second!r}, allowed is {others[0]!r}, where network.whole is "
            'not set, or ""'
        )
