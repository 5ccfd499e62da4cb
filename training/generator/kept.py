"""A generator in one file: weights, voices, lengths of phones, and what it came from."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from kws.errors import KwsError
from training.generator.durations import Durations
from training.generator.learn import LearningRecipe, Scaling, reference
from training.generator.material import Spoken
from training.generator.network import Generator, NetworkConfig
from training.learning.network_file import assign_weights, network_arrays, write_network

REFERENCES = 4
"""Stretches of a speaker's recordings from which the voice is heard, as their mean."""
_DURATIONS = ("means", "spread", "tempo")


@dataclass(frozen=True, eq=False)
class Kept:
    """All that is needed to say something."""

    generator: Generator
    scaling: Scaling
    durations: Durations
    voices: npt.NDArray[np.float32]
    """Shape (speakers, values); nothing says who they are."""
    card: dict[str, Any]


def voices_of(
    generator: Generator, spoken: Spoken, scaling: Scaling, recipe: LearningRecipe, *, seed: int
) -> npt.NDArray[np.float32]:
    """As the network hears every speaker."""
    rng = np.random.default_rng([seed, 2])
    voices = []
    for number in range(int(spoken.speaker.max()) + 1):
        recordings = rng.choice(np.flatnonzero(spoken.speaker == number), REFERENCES)
        stretches = [reference(spoken, scaling, int(n), recipe.reference, rng) for n in recordings]
        voices.append(np.asarray(generator.voice(keras.ops.convert_to_tensor(np.stack(stretches)))).mean(0))
    return np.stack(voices).astype(np.float32)


def write_generator(path: Path, kept: Kept) -> None:
    """Weights, lengths, scaling, voices, card."""
    write_network(
        path,
        kept.generator.variables,
        kept.card,
        asdict(kept.generator.config),
        **{name: getattr(kept.durations, name) for name in _DURATIONS},
        mean=kept.scaling.mean,
        deviation=kept.scaling.deviation,
        voices=kept.voices.astype(np.float16),
    )


def read_generator(path: Path) -> Kept:
    """What `write_generator` wrote; KwsError where there is none or it cannot be read."""
    with network_arrays(path, "generator", "python -m training.generator") as (arrays, card):
        generator = Generator(NetworkConfig(**card["network"]))
        assign_weights(generator.variables, arrays)
        durations = Durations(*(arrays[name] for name in _DURATIONS))
        scaling = Scaling(arrays["mean"], arrays["deviation"])
        return Kept(generator, scaling, durations, arrays["voices"].astype(np.float32), card)


def digest_of(path: Path) -> str:
    """16 hex digits by which what it says is kept; KwsError where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise KwsError(
            f"{path}: no generator there ({error.strerror}); make it with python -m training.generator"
        ) from error
