"""Wake words as `kws train` makes them of their spelling: heads on one encoder, where the ladder left them.

    python -m training.ladder computer alexa jarvis --rung packed

trains them; they are no part of the package.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.peers import OURSELVES, ROOT
from kws.bundle import Bundle, find_bundle
from kws.cascade import default_second
from kws.fusion import members_of

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
    """What their second stage is here, in words; BundleError where kws would not hear by one of them."""
    second = default_second(find_bundle(head_of("computer")))
    if second is None:
        return "none"
    return " and ".join(
        "another model of the word" if isinstance(member, Bundle) else "the recognizer"
        for member in members_of(second)
    )


def untrained() -> str:
    """What to do first; "" where all of them are there."""
    missing = [word for word in HEADS.words if not head_of(word).is_file()]
    return f"not trained; {_COMMAND.format(' '.join(missing))}" if missing else ""
