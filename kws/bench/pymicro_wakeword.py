"""The peer pymicro-wakeword as the worker loads it: microWakeWord models by TensorFlow Lite's C library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path


def load(models: Sequence[str]) -> Callable[[bytes], list[float] | None]:
    """Models by their manifests, paths or names in the package, behind one front end; or that alone."""
    import pymicro_wakeword as peer  # type: ignore[import-untyped,unused-ignore]

    bundled = Path(peer.__file__).parent / "models"
    features = peer.MicroWakeWordFeatures()
    words = [peer.MicroWakeWord.from_config(bundled / model) for model in models]

    def push(chunk: bytes) -> list[float] | None:
        rows = features.process_streaming(chunk)
        steps = [[word.process_streaming_prob(row) for word in words] for row in rows]
        return [max(scores) for scores in zip(*steps, strict=True)] or None

    return push
