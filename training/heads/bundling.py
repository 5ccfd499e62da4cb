"""A trained head and its story -> a bundle on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kws.bundle import write_bundle
from kws.frontends import MICRO, MICRO_EMBEDDING, SPEECH_EMBEDDING, row_format
from training.bundling import file_name, manifest_of
from training.credits import data_credits, generator_credits, voice_credits
from training.heads.examples import Examples
from training.heads.graph import head_model
from training.heads.head import Committee
from training.heads.material import HeadMaterial
from training.heads.recipe import head_recipe
from training.heads.trial import Trial
from training.recipe import Recipe
from training.synth import available_voices

CALIBRATION_ROWS = 60_000
"""Rows that give the activations their scales, at most: 80 minutes."""

WHOLE_ARENA_BYTES = 100_000
"""What tflite-micro needs for encoder and head, with some room: `kws export tflm` measures about 84,000."""

SECOND = "second"
"""Folder beside a bundle, for the heads that judge what it proposes."""

PER_HOUR = 50
"""Steps of other speech, many more than anybody would have as false alarms."""

_STANDS_ON = {
    SPEECH_EMBEDDING: "the speech embedding of Lin et al. 2020",
    MICRO_EMBEDDING: "the micro embedding, which began as the speech embedding of Lin et al. 2020",
}

_LOW, _HIGH = -1.5, 1.5
"""Logits of what these reach and of a word that is heard well: scores of 0.18 and 0.82."""


def spread(head: Committee, known: Examples) -> Committee:
    """The same heads with their scores where 256 steps tell most apart.

    What other speech reaches PER_HOUR times an hour becomes a logit of _LOW, a word that is heard well one of
    _HIGH. The two must lie well apart: hard negatives and words in much noise overlap.
    """
    logits = head.logits(known.rows)
    hours = len(known.negative) * row_format(SPEECH_EMBEDDING).row_seconds / 3600
    low = np.sort(logits[known.negative])[-max(1, round(PER_HOUR * hours))]
    high = np.quantile(logits[known.words].max(axis=1), 0.75)
    if high <= low:  # learned next to nothing
        return head
    factor = float((_HIGH - _LOW) / (high - low))
    return head.scaled(factor, float(low) - _LOW / factor)


def write_head(
    directory: Path,
    phrase: str,
    heads: Committee,
    material: HeadMaterial,
    trial: Trial,
    recipe: Recipe,
    *,
    seed: int,
    command: str,
) -> Path:
    """Quantize and write NAME.tflite and NAME.json; returns the JSON's path.

    Threshold and calibration table are those of the trial, until the model has been evaluated on recordings
    of the word (`python -m training.evaluate`).
    """
    learning = head_recipe(recipe.network)
    tflite = head_model(heads, _ranges(material.examples), whole=learning.whole)
    card = _card(heads, material, recipe, learning.encoder, seed, command) | {"held_out": trial.as_json()}
    manifest = manifest_of(phrase, recipe, card, np.random.default_rng(seed))
    manifest["micro"]["probability_cutoff"] = trial.threshold
    if learning.whole:
        manifest["micro"]["tensor_arena_size"] = WHOLE_ARENA_BYTES
    manifest["kws"]["calibration"] = [row.to_json() for row in trial.table]
    return write_bundle(
        directory,
        file_name(phrase),
        tflite,
        manifest,
        front_end=MICRO if learning.whole else learning.encoder,
    )


def _ranges(known: Examples) -> np.ndarray:
    """From the first sequences, which are tapes with words, and the last, which have none."""
    half = CALIBRATION_ROWS // 2
    return np.concatenate([known.rows[:half], known.rows[half:][-half:]])


def _card(
    heads: Committee, material: HeadMaterial, recipe: Recipe, encoder: str, seed: int, command: str
) -> dict[str, Any]:
    weights = [(h.project, h.project_bias, h.hidden, h.hidden_bias, h.out) for h in heads.members]
    return {
        "licence": "Apache-2.0",
        "architecture": f"two dense layers on {_STANDS_ON[encoder]}",
        "weights": sum(array.size for arrays in weights for array in arrays) + 1,
        "data": dict(sorted(material.sources.items())),
        "packed_speech": material.packed,
        "credits": data_credits(dict(sorted(material.sources.items()))),
        "voices": voice_credits(available_voices()),
        **generator_credits(material.sources),
        "hours": round(material.hours, 1),
        "recipe": {key: value for key, value in recipe.as_dict().items() if key != "training"},
        "seed": seed,
        "command": command,
    }
