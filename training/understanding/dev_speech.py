"""The dev recordings by what a recognizer is asked to make of them, and what one has heard in each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from kws.evaluation.transcripts import WordErrors, grouped_errors
from kws.frontends import new_front_end
from kws.grammar.compile import TokenGraph, compile_grammar
from kws.grammar.reading import read_grammar
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.tokens import PHONES, Kind, LogProbs
from kws.sources.whole import read_samples
from training.data.manifest import Clip
from training.kept import keep_arrays

GRAMMARS = Path(__file__).parents[2] / "examples" / "grammars"
COMMANDS = ("yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go")
DIGITS = ("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
FREE = ("libri", "ocean")
"""The sets of free sentences, hours beside the others' minutes."""

Item = TypeVar("Item")

Heard = tuple[Clip, LogProbs]
"""A clip and what the network says of it."""

_ENOUGH_SPEAKERS = 10
"""From so many on, word errors are resampled by speaker; below, by clip."""


def dev_sets(clips: Iterable[Clip]) -> dict[str, list[Clip]]:
    """The dev clips by what they are for."""
    sets: dict[str, list[Clip]] = {
        name: [] for name in ("commands", "others", "silence", "digit", "digits", "coffee", "libri", "ocean")
    }
    for clip in clips:
        name = set_of(clip) if clip.split == "dev" else None
        if name:
            sets[name].append(clip)
    return sets


def set_of(clip: Clip) -> str | None:
    """The set that a clip of any split is like; None for none."""
    if clip.corpus == "gsc-test-v0.02":
        word = "commands" if clip.label in COMMANDS else "others"
        return "silence" if clip.kind == "noise" else word
    if clip.corpus == "speechocean762":
        return "digits" if set(clip.label.lower().split()) <= set(DIGITS) else "ocean"
    return {"fsdd": "digit", "picovoice-coffee": "coffee", "libri-test-clean": "libri"}.get(clip.corpus)


def drawn(items: Sequence[Item], most: int | None) -> list[Item]:
    """At most so many, evenly."""
    if most is None or len(items) <= most:
        return list(items)
    return [items[index] for index in np.linspace(0, len(items) - 1, most).round().astype(int)]


def hear(
    bundle: RecognizerBundle, clips: Sequence[Clip], cache: Path, letters: Kind | None = None
) -> list[Heard]:
    """The log-probabilities of phones, and of `letters` beside them, for every clip; kept in a file."""
    named = [bundle.model_sha256, *([letters] if letters else []), *(str(clip.path) for clip in clips)]
    key = hashlib.sha256("\n".join(named).encode()).hexdigest()[:12]
    kept = cache.with_name(f"{cache.stem}-{key}.npz")
    if kept.is_file():
        with np.load(kept) as arrays:
            return [(clip, arrays[str(number)]) for number, clip in enumerate(clips)]
    acoustic = AcousticModel(bundle, "phones", beside=letters)
    heard = [(clip, log_probs_of(acoustic, clip.path)) for clip in clips]
    keep_arrays(kept, **{str(number): log_probs for number, (_, log_probs) in enumerate(heard)})
    return heard


def log_probs_of(acoustic: AcousticModel, path: Path) -> LogProbs:
    """Of one recording, from a fresh start."""
    acoustic.reset()
    rows = new_front_end(acoustic.front_end).push(read_samples(path))
    return np.concatenate([acoustic.push(rows), acoustic.flush()])


def graph_of(name: str) -> TokenGraph:
    """A grammar among the examples, compiled for phones."""
    return compile_grammar(read_grammar(path_of(name)), PHONES)


def path_of(name: str) -> Path:
    """Of a grammar among the examples."""
    (path,) = GRAMMARS.glob(f"{name}.*")
    return path


def said(clip: Clip) -> str:
    """Its words, as a recognizer writes them."""
    return " ".join(clip.label.lower().split())


def slots(clip: Clip) -> dict[str, str]:
    """Of an order."""
    return {name: " ".join(value.split()) for name, value in json.loads(clip.label).items()}


def word_errors(clips: Sequence[Clip], texts: Sequence[str]) -> WordErrors:
    """Of a text for each clip, by speaker, or by clip where the speakers are few."""
    by_speaker = len({clip.speaker for clip in clips}) >= _ENOUGH_SPEAKERS
    groups = [clip.speaker if by_speaker else str(clip.path) for clip in clips]
    return grouped_errors(
        "speakers" if by_speaker else "clips", groups, [said(clip) for clip in clips], texts
    )
