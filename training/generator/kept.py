"""A generator in one file: weights, voices, lengths of phones, and what it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import keras
import numpy as np
import numpy.typing as npt

from kws.errors import KwsError
from training.generator.durations import Durations
from training.generator.learn import LearningRecipe, Scaling, reference
from training.generator.material import Spoken
from training.generator.network import Generator, NetworkConfig
from training.kept import keep_arrays

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
    """Weights in 16 bits; the card also beside it, as JSON, for people."""
    weights = {
        f"weight{n}": np.asarray(variable, np.float16) for n, variable in enumerate(kept.generator.variables)
    }
    card = json.dumps({**kept.card, "network": asdict(kept.generator.config)}, sort_keys=True)
    keep_arrays(
        path,
        **weights,
        **{name: getattr(kept.durations, name) for name in _DURATIONS},
        mean=kept.scaling.mean,
        deviation=kept.scaling.deviation,
        voices=kept.voices.astype(np.float16),
        card=np.frombuffer(card.encode(), np.uint8),
    )
    path.with_suffix(".json").write_text(json.dumps(kept.card, indent=1) + "\n", encoding="utf-8")


def read_generator(path: Path) -> Kept:
    """What `write_generator` wrote; KwsError where there is none or it cannot be read."""
    try:
        with path.open("rb") as file, np.load(file) as stored:
            arrays: Mapping[str, npt.NDArray[Any]] = {name: stored[name] for name in stored.files}
        card = json.loads(arrays["card"].tobytes())
        generator = Generator(NetworkConfig(**card["network"]))
        for number, variable in enumerate(generator.variables):
            variable.assign(arrays[f"weight{number}"].astype(np.float32))
        durations = Durations(*(arrays[name] for name in _DURATIONS))
        scaling = Scaling(arrays["mean"], arrays["deviation"])
        return Kept(generator, scaling, durations, arrays["voices"].astype(np.float32), card)
    except FileNotFoundError as error:
        raise KwsError(f"{path}: no generator there; make it with python -m training.generator") from error
    except (OSError, ValueError, EOFError, KeyError, TypeError, BadZipFile) as error:
        raise KwsError(
            f"{path}: not a generator ({error}); make it again with python -m training.generator"
        ) from error


def digest_of(path: Path) -> str:
    """16 hex digits by which what it says is kept; KwsError where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise KwsError(
            f"{path}: no generator there ({error.strerror}); make it with python -m training.generator"
        ) from error
