"""How long each engine takes from the start of its process until it can hear one word."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.cost import Variant, minute, standing, variants, why_missing
from benchmarks.peers import python_of
from benchmarks.table import markdown, rounds_text, spread_text
from kws.bench import write_wav
from kws.bench.process import Plan, Spread, run

_HEARD_SECONDS = 0.5
"""Something has to be heard for a run to end."""
ASKED_SECONDS = 0.15
"""By the clock, of kws."""


def measure(rounds: int) -> dict[str, Any]:
    """By variant, round by round: seconds by the clock and of the CPU."""
    present = [one for one in variants() if not why_missing(one.engine) and "at a time" not in one.title]
    found: dict[str, list[dict[str, float]]] = {one.title: [] for one in present}
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder, "audio.wav")
        write_wav(audio, minute())
        for _ in range(rounds):
            for one in present:
                found[one.title].append(asdict(run(_plan(one, audio), python_of(one.engine))))
    return {"rounds": rounds, "runs": found}


def _plan(one: Variant, audio: Path) -> Plan:
    how = (one.engine.adapter, one.engine.models(1), one.options, one.chunk)
    return Plan(audio, _HEARD_SECONDS, *how, warm=0.0)


def section(found: Mapping[str, Any]) -> str:
    """The chapter of the page."""
    spreads = {title: _spreads(runs) for title, runs in found["runs"].items()}
    clocks = {title: clock.median for title, (clock, _) in spreads.items()}
    return _SECTION.format(
        rounds=rounds_text(found["rounds"]),
        table=markdown(("", "s by the clock", "CPU s"), _rows(spreads)),
        standing="\n".join(standing("s by the clock", clocks, ASKED_SECONDS, 2)),
    )


def _spreads(runs: list[dict[str, float]]) -> tuple[Spread, Spread]:
    clock, cpu = (Spread.of(run[of] for run in runs) for of in ("startup", "loading"))
    return clock, cpu


def _rows(spreads: Mapping[str, tuple[Spread, Spread]]) -> Iterator[tuple[str, str, str]]:
    for title, (clock, cpu) in spreads.items():
        yield title, spread_text(clock, 2), spread_text(cpu, 2)


_SECTION = """\
From the start of a fresh Python process until it is ready to hear one word, files in the system's cache,
one core, {rounds}. What else the machine does stretches the clock and hardly the CPU time.

{table}

{standing}

kws opens its second stage with its first candidate, not at its start.
"""
