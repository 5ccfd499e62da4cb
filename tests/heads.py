"""Small heads of random weights, as bundles: models whose rows come from the speech embedding."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kws.bundle import write_bundle
from kws.frontends import SPEECH_EMBEDDING
from kws.types import Rows
from training.heads.graph import head_model
from training.heads.head import Committee, Head


def random_head(seed: int = 0, context: int = 16, projected: int = 24, hidden: int = 24) -> Head:
    """Logits of about -2 to 2 on rows of speech."""
    rng = np.random.default_rng(seed)

    def normal(*shape: int, scale: float) -> np.ndarray:
        return rng.normal(scale=scale, size=shape).astype(np.float32)

    return Head(
        normal(96, projected, scale=0.02),
        normal(projected, scale=0.3),
        normal(context, projected, hidden, scale=0.24 / context**0.5),
        normal(hidden, scale=0.1),
        normal(hidden, scale=0.3),
        float(rng.normal()),
    )


def random_rows(seed: int = 0, count: int = 400) -> Rows:
    """As varied as those of speech."""
    return np.clip(np.random.default_rng(seed).normal(0, 18, (count, 96)).round(), -128, 127).astype(np.int8)


def head_bundle(
    folder: Path, name: str = "word", seed: int = 0, encoder: str = SPEECH_EMBEDDING, **ours: object
) -> Path:
    """Writes NAME.tflite and NAME.json; returns the manifest's path."""
    manifest = {
        "type": "micro",
        "version": 2,
        "wake_word": name,
        "micro": {"probability_cutoff": 0.5, "feature_step_size": 10, "sliding_window_size": 1},
        "kws": {"labels": [name], "refractory_seconds": 0, "warmup_rows": 0, **ours},
    }
    content = head_model(Committee((random_head(seed),)), random_rows())
    return write_bundle(folder, name, content, manifest, front_end=encoder)
