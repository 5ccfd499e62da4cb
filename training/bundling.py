"""A trained network and its story -> a bundle on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kws.bundle import write_bundle
from kws.evaluation.activity import speech_span
from training.credits import data_credits, generator_credits, voice_credits
from training.int8.compact import compact
from training.int8.quantize import quantize
from training.learning.selection import Listening, streamed_misses
from training.material.ingredients import Material
from training.models import Network
from training.naming import file_name
from training.recipe import Recipe
from training.synth import available_voices, synthesize

CALIBRATION_TAPES = 40
"""Tapes streamed to find the tensors' ranges, twenty minutes."""

ARENA_BYTES = 65_536
"""Arena asked of a microcontroller: ample for these networks, not measured."""

TEMPERATURE = 2.0
"""Logits are divided by it (temperature scaling, Guo et al. 2017). A trained network is too sure of itself:
its false alarms score 255 of 255, and no threshold tells them from words. Halved logits spread them out."""

_UNCALIBRATED_THRESHOLD = 0.5


def write_trained(
    directory: Path,
    phrase: str,
    network: Network,
    material: Material,
    recipe: Recipe,
    *,
    seed: int,
    command: str,
    listening: Listening | None = None,
) -> Path:
    """Soften, quantize and write NAME.tflite and NAME.json; returns the JSON's path.

    The threshold is that of the held-out tapes, or without them a placeholder, until the model has been
    evaluated (`python -m training.evaluate`).
    """
    network.soften(TEMPERATURE)
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(material.tapes), min(CALIBRATION_TAPES, len(material.tapes)), replace=False)
    tflite = compact(quantize(network, material.tapes.rows[chosen].reshape(-1, material.tapes.rows.shape[2])))
    card = _card(material, recipe, seed, command, network)
    manifest = manifest_of(phrase, recipe, card, rng)
    if listening:
        threshold, card["held_out"] = _found_by(listening, network)
        manifest["micro"]["probability_cutoff"] = threshold
    return write_bundle(directory, file_name(phrase), tflite, manifest)


def _found_by(listening: Listening, network: Network) -> tuple[float, dict[str, Any]]:
    """Threshold, a placeholder where nothing is heard, and counts on the held-out tapes for the card."""
    point = streamed_misses(network, listening)
    useful = point.misses.count < point.misses.total
    alarms = point.false_alarms
    counts = {"words": point.misses.total, "misses": point.misses.count, "false_alarms": alarms.count}
    told = "tapes by held-out speakers, in rooms and noise; the epoch and the threshold were chosen on them"
    threshold = min(1.0, point.threshold) if useful else _UNCALIBRATED_THRESHOLD
    return threshold, {"material": told, **counts, "hours": round(alarms.hours, 2)}


def manifest_of(
    phrase: str, recipe: Recipe, card: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """All of a trained bundle's manifest that `write_bundle` does not add; the threshold is a placeholder."""
    return {
        "type": "micro",
        "wake_word": phrase,
        "author": "kws",
        "website": "",
        "trained_languages": ["en"],
        "version": 2,
        "micro": {
            "probability_cutoff": _UNCALIBRATED_THRESHOLD,
            "feature_step_size": 10,
            "sliding_window_size": recipe.detector.window,
            "tensor_arena_size": ARENA_BYTES,
            "minimum_esphome_version": "2024.7.0",
        },
        "kws": {
            "labels": [phrase],
            "refractory_seconds": recipe.detector.refractory_seconds,
            "warmup_rows": 0,
            "word_seconds": _word_seconds(phrase, rng),
            "calibration": [],
            "card": card,
        },
    }


def _word_seconds(phrase: str, rng: np.random.Generator) -> float:
    """Median length of the spoken phrase, and the time from its end to a typical detection."""
    spans = [speech_span(clip) for clip in synthesize([phrase] * 40, rng)]
    return round(float(np.median([end - start for start, end in spans])) / 16_000 + 0.15, 2)


def _card(material: Material, recipe: Recipe, seed: int, command: str, network: Network) -> dict[str, Any]:
    return {
        "licence": "Apache-2.0",
        "architecture": recipe.network["name"],
        "weights": int(sum(np.prod(variable.shape) for variable in network.trainable_variables)),
        "data": dict(sorted(material.sources.items())),
        "credits": data_credits(dict(sorted(material.sources.items()))),
        "voices": voice_credits(available_voices()),
        **generator_credits(material.sources),
        "hours": round(material.tapes.hours, 1),
        "recipe": recipe.as_dict(),
        "seed": seed,
        "command": command,
    }
