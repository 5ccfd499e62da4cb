"""Wake words as `kws train` makes them of their spelling: heads on one encoder, where the ladder left them.

    python -m training.ladder computer alexa jarvis --rung packed

trains them; they are no part of the package.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from benchmarks.peers import OURSELVES, ROOT

_TRAINED = ROOT / ".cache" / "ladder"
_COMMAND = "python -m training.ladder {} --rung packed"


def head_of(word: str) -> Path:
    """Where the ladder leaves it."""
    return _TRAINED / f"{word}-packed" / f"{word}.json"


HEADS = replace(
    OURSELVES,
    name="kws, trained heads",
    pip=(f"{ROOT}[encoder]",),
    words={word: str(head_of(word)) for word in OURSELVES.words},
    model_files=(
        "kws/models/english.tflite",
        "kws/encoders/micro_embedding.npz",
        "pyopen_wakeword/models/embedding_model.tflite",
    ),
    own_files=(
        head_of("computer").with_suffix(".tflite"),
        *head_of("computer").parent.glob("second/*.tflite"),
    ),
)


def second_of_heads() -> str:
    """What their second stage is, in words."""
    manifest = json.loads(head_of("computer").read_text(encoding="utf-8"))
    default = manifest["kws"].get("confirmation", {}).get("default", {})
    kinds = {"model": "another model of the word", "recognizer": "the recognizer"}
    return " and ".join(text for kind, text in kinds.items() if kind in default) or "none"


def untrained() -> str:
    """What to do first; "" where all of them are there."""
    missing = [word for word in HEADS.words if not head_of(word).is_file()]
    return f"not trained; {_COMMAND.format(' '.join(missing))}" if missing else ""
