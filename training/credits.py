"""Whose recordings and voices a model was trained on, and under which licences, for its card."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from training.data.catalogue import read_catalogue
from training.synth import Voice

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

GENERATOR = Path(__file__).parent / "generator" / "generator.json"
CORPORA = Path(__file__).parent / "data" / "corpora.toml"

SYNTHETIC = ("synthetic speech", "synthetic words", "joined words", "generated speech", "generated words")
"""What a card's counts call what was made: `voice_credits` says whose voices the synthesizers have, words are
joined from recordings that are counted under their corpora, and the generator has a card of its own."""

_UNKNOWN = {"licence": "not recorded: recordings of your own, or a corpus unknown here"}


def data_credits(counts: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """Corpus -> licence, source and home, for every corpus among a card's counts, in their order."""
    known = _known_corpora()
    return {name: known.get(name, _UNKNOWN) for name in counts if name not in SYNTHETIC}


def voice_credits(voices: Iterable[Voice]) -> dict[str, dict[str, int | str]]:
    """Synthesizer -> how many of its voices could speak, and their licences."""
    voices = list(voices)
    numbers = Counter(voice.backend for voice in voices)
    return {
        backend: {
            "voices": number,
            "licence": "; ".join(sorted({voice.licence for voice in voices if voice.backend == backend})),
        }
        for backend, number in sorted(numbers.items())
    }


def generator_credits(counts: Mapping[str, int]) -> dict[str, Any]:
    """What the generator learned from, where a card's counts name what it said; else nothing."""
    if not counts.keys() & {"generated speech", "generated words"}:
        return {}
    card = json.loads(GENERATOR.read_text(encoding="utf-8"))
    return {"generator": {key: card[key] for key in ("licence", "data", "credits")}}


def _known_corpora() -> dict[str, dict[str, str]]:
    offered = {
        name: {"licence": source.licence, "source": source.title, "home": source.home}
        for name, source in read_catalogue().items()
    }
    listed: dict[str, dict[str, str]] = tomllib.loads(CORPORA.read_text(encoding="utf-8"))
    return {**offered, **listed}
