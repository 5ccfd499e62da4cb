"""Wake words as `kws train` makes them of their spelling: heads on one encoder, where the ladder left them.

    python -m training.ladder computer alexa jarvis --rung packed

trains them; they are no part of the package.
"""

from __future__ import annotations

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
    model_files=("kws/models/english.tflite", "pyopen_wakeword/models/embedding_model.tflite"),
    own_files=(head_of("computer").with_suffix(".tflite"),),
)


def untrained() -> str:
    """What to do first; "" where all of them are there."""
    missing = [word for word in HEADS.words if not head_of(word).is_file()]
    return f"not trained; {_COMMAND.format(' '.join(missing))}" if missing else ""
