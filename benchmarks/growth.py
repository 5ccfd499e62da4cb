"""How cost grows: with the length of the audio, with models and with streams, as tables and drawings."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.cost import minute
from benchmarks.peers import FIRST_STAGE, OURSELVES, PEERS, Engine, python_of
from benchmarks.table import markdown, rounds_text, spread_text
from benchmarks.variants import unmeasured, why_missing
from kws.bench import write_wav
from kws.bench.process import Plan, Spread, run
from kws.evaluation.plot import Axis, line_plot

MINUTES = (1, 10, 60, 480)
"""Of audio. A day of it: docs/verification."""
_ONCE = 60
"""What is as long or longer is heard in the first round alone."""
MODELS = (1, 2, 4, 7, 10)
STREAMS = (1, 2, 4, 8)
_COMPARED = (
    *(OURSELVES, FIRST_STAGE),
    *(peer for peer in PEERS if peer.name in ("pymicro-wakeword", "pvporcupine")),
)
"""The peers whose cost is of the same order; the others are in the table of costs."""

_Runs = Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]]
"""Engine -> amount -> a run of each round."""


def measure(rounds: int) -> dict[str, Any]:
    """Runs by what grows, engine and amount, round by round."""
    missing = {engine.name: why for engine in _COMPARED if (why := why_missing(engine))}
    engines = [engine for engine in _COMPARED if engine.name not in missing]
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder, "audio.wav")
        write_wav(audio, minute())
        plans = {engine.name: _grown(engine, _plan(engine, audio)) for engine in engines}
        found: dict[str, Any] = {
            what: {engine.name: {str(count): [] for count in plans[engine.name][what]} for engine in engines}
            for what in ("minutes", "models", "streams")
        }
        for number in range(rounds):
            for what, by_engine in found.items():
                for engine in engines:
                    for count, plan in plans[engine.name][what].items():
                        if number == 0 or what != "minutes" or count < _ONCE:
                            taken = asdict(run(plan, python_of(engine)))
                            by_engine[engine.name][str(count)].append(taken)
    return {"rounds": rounds, "missing": missing, **found}


def _grown(engine: Engine, plan: Plan) -> dict[str, dict[int, Plan]]:
    return {
        "minutes": {count: replace(plan, seconds=60.0 * count) for count in MINUTES},
        "models": {count: replace(plan, models=engine.models(count)) for count in MODELS},
        "streams": {count: replace(plan, streams=count) for count in STREAMS},
    }


def _plan(engine: Engine, audio: Path) -> Plan:
    return Plan(audio, 60.0, engine.adapter, engine.models(1), engine.options, engine.chunk)


def section(found: Mapping[str, Any]) -> str:
    """The chapter of the page."""
    tables = {what: _table(what, found[what]) for what in ("minutes", "models", "streams")}
    return _SECTION.format(
        **tables, rounds=rounds_text(found["rounds"]), missing=unmeasured(found["missing"])
    )


_SECTION = """\
On the selftest's recordings, in which there is a wake word every five seconds, with words of the engine's own
bundled models; {rounds}. An hour and more is heard once.

![CPU time against models](benchmarks/models.svg)
![CPU time against streams](benchmarks/streams.svg)
![CPU time against length](benchmarks/length-cpu.svg)
![Memory against length](benchmarks/length.svg)

CPU s per audio s and peak MB by minutes of audio:

{minutes}

By words at once:

{models}

By streams heard side by side in one process, each through an engine of its own:

{streams}{missing}
"""


def _table(what: str, runs: _Runs) -> str:
    counts = sorted({int(count) for by_count in runs.values() for count in by_count})
    rows = [(name, *(_cell(by_count.get(str(count))) for count in counts)) for name, by_count in runs.items()]
    return markdown((what, *map(str, counts)), rows)


def _cell(runs: Sequence[Mapping[str, float]] | None) -> str:
    if not runs:
        return "not run"
    return f"{spread_text(_spread(runs, 'cpu'), 5)}, {_spread(runs, 'peak_mb').median:.1f} MB"


def _spread(runs: Sequence[Mapping[str, float]], of: str) -> Spread:
    return Spread.of(run[of] for run in runs)


def drawings(found: Mapping[str, Any]) -> dict[str, str]:
    """File name -> SVG."""
    times = Axis("CPU s per audio s", {step / 1000: f"{step / 1000:g}" for step in range(0, 51, 10)})
    short_times = Axis("CPU s per audio s", {step / 1000: f"{step / 1000:g}" for step in range(0, 7, 2)})
    memory = Axis("peak MB", {float(step): str(step) for step in range(0, 81, 20)})
    models, streams, minutes = (found[what] for what in ("models", "streams", "minutes"))
    return {
        "models.svg": _drawing("Words at once", "words", MODELS, times, models, "cpu"),
        "streams.svg": _drawing("Streams side by side", "streams", STREAMS, times, streams, "cpu"),
        "length-cpu.svg": _drawing("One word", "minutes of audio", MINUTES, short_times, minutes, "cpu"),
        "length.svg": _drawing("One word", "minutes of audio", MINUTES, memory, minutes, "peak_mb"),
    }


def _drawing(title: str, across: str, counts: Sequence[int], up: Axis, runs: _Runs, of: str) -> str:
    """Medians."""
    axis = Axis(across, {float(count): str(count) for count in counts}, logarithmic=True)
    lines = {
        name: [(float(count), _spread(found, of).median) for count, found in by_count.items()]
        for name, by_count in runs.items()
    }
    return line_plot(title, axis, up, lines)
