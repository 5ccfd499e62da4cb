"""Engines in each of their ways of being run, and which of them cannot be had here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.heads import HEADS, untrained
from benchmarks.peers import (
    FIRST_STAGE,
    OURSELVES,
    PEERS,
    Engine,
    NotInstalledError,
    python_of,
)
from kws.types import SAMPLE_RATE

COUNTS = (1, 4, 10)
"""Words at once."""
FROM_FILES = "half a second at a time, as from files"
"""A way in which kws is run."""


@dataclass(frozen=True)
class Variant:
    """An engine run in one of its ways."""

    title: str
    engine: Engine
    options: Mapping[str, Any]
    chunk: int
    """Samples it is given at a time."""

    @property
    def counts(self) -> tuple[int, ...]:
        """Words at once; ten encoders of wakeforge are no use of it that anyone would want."""
        return COUNTS[:2] if self.engine.name == "wakeforge" else COUNTS


def variants() -> list[Variant]:
    """Each engine, and some also in another way."""
    further: dict[str, dict[str, tuple[dict[str, Any], int]]] = {
        OURSELVES.name: {FROM_FILES: ({}, SAMPLE_RATE // 2)},
        HEADS.name: {"half a second at a time": ({}, SAMPLE_RATE // 2)},
        FIRST_STAGE.name: {"--engine c99": ({"engine": "c99", **FIRST_STAGE.options}, FIRST_STAGE.chunk)},
        "pvporcupine": {"its C function": ({"direct": True}, 512)},
        # Those that take longer chunks; openWakeWord's are of 80 ms.
        "pymicro-wakeword": {"half a second at a time": ({}, SAMPLE_RATE // 2)},
        "openwakeword": {"half a second at a time": ({}, 6 * 1280)},
    }
    found: list[Variant] = []
    for engine in (OURSELVES, HEADS, FIRST_STAGE, *PEERS):
        found.append(Variant(engine.name, engine, engine.options, engine.chunk))
        for how, (options, chunk) in further.get(engine.name, {}).items():
            found.append(Variant(f"{engine.name}, {how}", engine, options, chunk))
    return found


def unmeasured(missing: Mapping[str, str]) -> str:
    """Lines that say what was not measured, and why; "" where all was."""
    return "".join(f"\n\nNot measured: {title}, {why}" for title, why in missing.items())


def missing_of(asked: Sequence[Variant]) -> dict[str, str]:
    """Title -> why it cannot be run; each engine is looked for once."""
    reasons = {engine: why_missing(engine) for engine in dict.fromkeys(one.engine for one in asked)}
    return {one.title: reasons[one.engine] for one in asked if reasons[one.engine]}


def why_missing(engine: Engine) -> str:
    """What pip says against it, or what is to be trained first; "" where all is there."""
    if engine is HEADS and (missing := untrained()):
        return missing
    try:
        python_of(engine)
    except NotInstalledError as error:
        return str(error)
    return ""
