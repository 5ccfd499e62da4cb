"""A trained network and its story -> a recognizer bundle on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from kws.frontends import FULL_BAND, MICRO, row_format
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle, pushed_for, read_recognizer, write_recognizer
from kws.recognition.tokens import Kind
from kws.types import Rows
from training.int8.quantize import quantize
from training.recognizer.hearing import AFTER_SECONDS, Hearing, hearing
from training.recognizer.learn import measure
from training.recognizer.material import Material
from training.recognizer.network import OUTPUTS, AcousticNetwork
from training.recognizer.recipe import Recipe
from training.recognizer.scoring import ErrorRates, error_rates, greedy
from training.recognizer.takes import Takes

CALIBRATION_TAKES = 120
"""Takes streamed to find the tensors' ranges, some eight minutes, a third of them clean."""

_BODIES = {
    "convolutions": "causal convolutions with residuals",
    "separable": "causal depthwise-separable convolutions with residuals",
    "recurrent": "GRUs with residuals and a short look-ahead",
    "conformer": "self-attention over the last 1.5 s and convolutions, with residuals",
}
"""What the card says of the networks that stream."""

ENCODER = (
    "; layers of Google's speech embedding (Lin et al. 2020, Apache-2.0), which its upper ones started from"
)
"""The same, behind the published encoder."""

SOURCES = (
    "LibriSpeech, SpeechOcean762, Speech Commands, S. Hymel's custom commands (CC BY 4.0); "
    "LJ Speech, Mycroft Precise community data (public domain); ARCTIC sentences read for Rhasspy (CC0); "
    "Picovoice wake-word benchmark (Apache-2.0); speech of flite (BSD), SVOX Pico (Apache-2.0), espeak-ng; "
    "pronunciations of CMUdict (BSD)"
)
"""Where the recordings come from and under which licences, for the card."""


def publish(
    directory: Path,
    name: str,
    network: AcousticNetwork,
    material: Material,
    recipe: Recipe,
    *,
    seed: int,
    command: str,
) -> Path:
    """Quantize and write NAME.tflite and NAME.json; returns the JSON's path."""
    ear = hearing(network.encoder)
    typical = _typical(material, seed)
    tflite = quantize(network, typical, first_step=loudest_cell(ear), to_real=ear.real_valued)
    return write_recognizer(
        directory,
        name,
        tflite,
        language="en",
        tokens=OUTPUTS,
        flush_rows=round(AFTER_SECONDS / row_format(pushed_for(network.encoder)).row_seconds),
        encoder=network.encoder,
        card=_card(network, material, recipe, seed, command),
    )


def loudest_cell(ear: Hearing) -> Rows:
    """A quiet step but for cells at their highest and lowest, which span the input's range.

    At either end of a row, since a network that hears two parts of it apart gives each its own range.
    """
    step = np.tile(ear.quiet, (ear.stride, 1))
    step[0, [0, -2]], step[0, [1, -1]] = 127, -128
    return step


def add_to_card(path: Path, figures: Mapping[str, Any]) -> None:
    """Put figures into the card of a bundle on disk."""
    bundle = read_recognizer(path)
    write_recognizer(
        path.parent,
        path.stem,
        bundle.model_path.read_bytes(),
        language=bundle.language,
        tokens=bundle.tokens,
        flush_rows=bundle.flush_rows,
        encoder=bundle.encoder,
        card={**bundle.card, **figures},
    )


def measured(path: Path, network: AcousticNetwork, sets: Mapping[str, Takes]) -> dict[str, Any]:
    """Greedy error rates of the float network and of the bundle made of it, for the card."""
    bundle = read_recognizer(path)
    return {
        "greedy_errors_percent": {
            "float": {name: measure(network, takes).as_dict() for name, takes in sets.items()},
            "int8": {name: measure_bundle(bundle, takes).as_dict() for name, takes in sets.items()},
        }
    }


def measure_bundle(bundle: RecognizerBundle, takes: Takes) -> ErrorRates:
    """What the int8 model reads greedily, against what was said."""
    found = bundle_readings(bundle, takes)
    return error_rates(takes.phones, takes.texts, found["phones"], found["characters"])


def bundle_readings(bundle: RecognizerBundle, takes: Takes) -> dict[Kind, list[str]]:
    """What the int8 model reads greedily of every take, from a fresh start and flushed, by token set."""
    model = AcousticModel(bundle)
    ear = hearing(bundle.encoder)
    quiet = np.tile(ear.quiet, (ear.after_rows, 1))
    found: dict[Kind, list[str]] = {kind: [] for kind in bundle.tokens}
    for index in range(len(takes)):
        model.reset()
        for kind, scores in model.of_inputs(np.concatenate([takes[index], quiet])).items():
            found[kind].append(greedy(scores, kind))
    return found


def _typical(material: Material, seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    share = CALIBRATION_TAKES // len(material.versions)
    return np.concatenate(
        [takes[index] for takes in material.versions for index in rng.integers(len(takes), size=share)]
    )


def _architecture(network: AcousticNetwork, recipe: Recipe) -> str:
    heard = ", behind the lower layers of the speech embedding" if network.encoder != MICRO else ""
    heard += " and log-mel energies up to 7.8 kHz" if network.encoder == FULL_BAND else ""
    return f"{_BODIES[recipe.network.name]}{heard}, CTC heads for phones and characters"


def _card(
    network: AcousticNetwork, material: Material, recipe: Recipe, seed: int, command: str
) -> dict[str, Any]:
    return {
        "licence": "Apache-2.0",
        "sources": SOURCES + (ENCODER if network.encoder != MICRO else ""),
        "architecture": _architecture(network, recipe),
        "weights": int(sum(np.prod(variable.shape) for variable in network.trainable_variables)),
        "step_ms": round(1000 * hearing(network.encoder).step_seconds),
        "data": dict(sorted(material.sources.items())),
        "hours": round(sum(takes.hours for takes in material.versions), 1),
        "recipe": recipe.as_dict(),
        "seed": seed,
        "command": command,
    }
