"""Models exported to C99 and built for this machine, checked for undefined behaviour and bad addresses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from firmware_export.c99.export import export
from firmware_export.verify import Firmware, built
from kws.bundle import Bundle, find_bundle, write_bundle

SANITIZED = ("-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
"""A program built so ends with an error at the first overflow, bad shift or access outside an array."""


@contextmanager
def firmware(bundle: Bundle, directory: Path, flags: Sequence[str] = SANITIZED) -> Iterator[Firmware]:
    """The programs of a bundle."""
    export(bundle, directory, None)
    with built(directory, flags) as programs:
        yield programs


def bundle_of(tflite: bytes, directory: Path, **ours: Any) -> Bundle:
    """A bundle of a model without a manifest; `ours` are keys under "kws"."""
    micro = {
        "probability_cutoff": 0.5,
        "feature_step_size": 10,
        "sliding_window_size": 5,
        "tensor_arena_size": 30_000,
        "minimum_esphome_version": "2024.7.0",
    }
    manifest = {
        "type": "micro",
        "version": 2,
        "wake_word": "test",
        "author": "test",
        "website": "",
        "trained_languages": ["en"],
        "micro": micro,
        "kws": ours,
    }
    return find_bundle(write_bundle(directory, "test", tflite, manifest))
