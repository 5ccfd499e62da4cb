"""How cost grows: with the length of the audio, with models and with streams, as tables and drawings."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.cost import minute, why_missing
from benchmarks.peers import FIRST_STAGE, OURSELVES, PEERS, Engine, python_of
from benchmarks.table import markdown
from kws.bench import write_wav
from kws.bench.process import Plan, run
from kws.evaluation.plot import Axis, line_plot

MINUTES = (1, 10, 60)
"""Of audio; kws alone hears the last. A day of it: docs/verification."""
MODELS = (1, 2, 4, 7, 10)
STREAMS = (1, 2, 4, 8)
_OURS = (OURSELVES, FIRST_STAGE)
_COMPARED = (*_OURS, *(peer for peer in PEERS if peer.name in ("pymicro-wakeword", "pvporcupine")))
"""The peers whose cost is of the same order; the others are in the table of costs."""


def measure() -> dict[str, Any]:
    """Runs by what grows, engine and amount."""
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder, "audio.wav")
        write_wav(audio, minute())
        engines = [engine for engine in _COMPARED if not why_missing(engine)]
        grown = {engine.name: _grown(engine, _plan(engine, audio)) for engine in engines}
        return {
            what: {
                engine.name: {
                    str(count): asdict(run(plan, python_of(engine)))
                    for count, plan in grown[engine.name][what].items()
                }
                for engine in engines
            }
            for what in ("minutes", "models", "streams")
        }


def _grown(engine: Engine, plan: Plan) -> dict[str, dict[int, Plan]]:
    return {
        "minutes": {
            count: replace(plan, seconds=60.0 * count) for count in MINUTES if _bearable(engine, count)
        },
        "models": {count: replace(plan, models=engine.models(count)) for count in MODELS},
        "streams": {count: replace(plan, streams=count) for count in STREAMS},
    }


def _plan(engine: Engine, audio: Path) -> Plan:
    return Plan(audio, 60.0, engine.adapter, engine.models(1), engine.options, engine.chunk)


def _bearable(engine: Engine, minutes: int) -> bool:
    return minutes <= (60 if engine in _OURS else 10)


def section(found: Mapping[str, Any]) -> str:
    """The chapter of the page."""
    tables = {what: _table(what, found[what]) for what in ("minutes", "models", "streams")}
    return _SECTION.format(**tables)


_SECTION = """\
One run each on the selftest's recordings, in which there is a wake word every five seconds, with words of the
engine's own bundled models.

![CPU time against models](benchmarks/models.svg)
![CPU time against streams](benchmarks/streams.svg)
![Memory against length](benchmarks/length.svg)

CPU s per audio s and peak MB by minutes of audio:

{minutes}

By words at once:

{models}

By streams heard side by side in one process, each through an engine of its own:

{streams}
"""


def _table(what: str, runs: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    counts = sorted({int(count) for by_count in runs.values() for count in by_count})
    rows = [(name, *(_cell(by_count.get(str(count))) for count in counts)) for name, by_count in runs.items()]
    return markdown((what, *map(str, counts)), rows)


def _cell(run: Mapping[str, float] | None) -> str:
    return f"{run['cpu']:.5f}, {run['peak_mb']:.1f} MB" if run else "not run"


def drawings(found: Mapping[str, Any]) -> dict[str, str]:
    """File name -> SVG."""
    times = Axis("CPU s per audio s", {step / 1000: f"{step / 1000:g}" for step in range(0, 51, 10)})
    memory = Axis("peak MB", {float(step): str(step) for step in range(0, 81, 20)})
    return {
        "models.svg": _drawing("Words at once", "words", MODELS, times, found["models"], "cpu"),
        "streams.svg": _drawing("Streams side by side", "streams", STREAMS, times, found["streams"], "cpu"),
        "length.svg": _drawing("One word", "minutes of audio", MINUTES, memory, found["minutes"], "peak_mb"),
    }


def _drawing(
    title: str,
    across: str,
    counts: Sequence[int],
    up: Axis,
    runs: Mapping[str, Mapping[str, Mapping[str, float]]],
    of: str,
) -> str:
    axis = Axis(across, {float(count): str(count) for count in counts}, logarithmic=True)
    lines = {
        name: [(float(count), run[of]) for count, run in by_count.items()] for name, by_count in runs.items()
    }
    return line_plot(title, axis, up, lines)
