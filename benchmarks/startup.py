"""How long each engine takes from the start of its process until it can hear one word."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.cost import minute, ratio
from benchmarks.peers import OURSELVES, PEERS, Engine, python_of
from benchmarks.standing import Asked, standing, verdict
from benchmarks.table import markdown, rounds_text, spread_text
from benchmarks.variants import Variant, missing_of, unmeasured, variants
from kws.bench import write_wav
from kws.bench.process import Plan, Spread, run

_HEARD_SECONDS = 0.5
"""Something has to be heard for a run to end."""
_ASKED = {"startup": ("s by the clock", 0.15, 2), "peak_mb": ("MB", 40, 0)}
"""Field -> what it is, what kws shall reach, decimals."""
_WORDS = {"startup": "seconds", "peak_mb": "memory"}
_FLOOR = Variant(
    "numpy alone", replace(OURSELVES, adapter=Path(__file__).with_name("numpy_alone.py")), {}, OURSELVES.chunk
)
"""No engine, but less than that none with numpy can do with."""
_PEER = next(peer for peer in PEERS if peer.name == "pymicro-wakeword")
_LIBRARIES_IN = {OURSELVES: "ai_edge_litert/", _PEER: "pymicro_wakeword/"}
"""Folders that hold the shared libraries of two runtimes of TensorFlow Lite."""


def measure(rounds: int) -> dict[str, Any]:
    """By variant, round by round: seconds by the clock and of the CPU, memory."""
    asked = [one for one in variants() if "at a time" not in one.title]
    missing = missing_of(asked)
    present = [*(one for one in asked if one.title not in missing), _FLOOR]
    found: dict[str, list[dict[str, float]]] = {one.title: [] for one in present}
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder, "audio.wav")
        write_wav(audio, minute())
        for _ in range(rounds):
            for one in present:
                found[one.title].append(asdict(run(_plan(one, audio), python_of(one.engine))))
    return {"rounds": rounds, "missing": missing, "libraries": _libraries_mb(missing), "runs": found}


def _libraries_mb(missing: Mapping[str, str]) -> dict[str, float]:
    """By engine; none where the system does not tell."""
    if not Path("/proc/self/smaps").exists():
        return {}
    present = {engine: folder for engine, folder in _LIBRARIES_IN.items() if engine.name not in missing}
    return {engine.name: _mapped_mb(engine, folder) for engine, folder in present.items()}


def _mapped_mb(engine: Engine, folder: str) -> float:
    script = Path(__file__).with_name("mapped.py")
    (model,) = engine.models(1)
    command = [python_of(engine), "-I", script, engine.adapter, model, folder]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _plan(one: Variant, audio: Path) -> Plan:
    how = (one.engine.adapter, one.engine.models(1), one.options, one.chunk)
    return Plan(audio, _HEARD_SECONDS, *how, warm=0.0)


def section(found: Mapping[str, Any]) -> str:
    """The chapter of the page."""
    runs: dict[str, list[dict[str, float]]] = found["runs"]
    asked = [Asked(*about, _medians(runs, of)) for of, about in _ASKED.items()]
    return _SECTION.format(
        rounds=rounds_text(found["rounds"]),
        table=markdown(_COLUMNS, _rows(runs)),
        standing=standing(asked),
        verdict=verdict(asked),
        floor_to_peer=_floor_to_peer(runs, asked),
        floor_cpu=100 * _floor_share(runs, "loading"),
        floor_mb=100 * _floor_share(runs, "peak_mb"),
        more=_libraries(found["libraries"]) + unmeasured(found["missing"]),
    )


def _medians(runs: Mapping[str, list[dict[str, float]]], of: str) -> dict[str, float]:
    """By engine."""
    engines = [title for title in runs if title != _FLOOR.title]
    return {title: Spread.of(run[of] for run in runs[title]).median for title in engines}


def _floor_share(runs: Mapping[str, list[dict[str, float]]], of: str) -> float:
    """Of what kws takes, what is Python's and numpy's."""
    floor, ours = (Spread.of(run[of] for run in runs[name]).median for name in (_FLOOR.title, OURSELVES.name))
    return floor / ours


def _floor_to_peer(runs: Mapping[str, list[dict[str, float]]], asked: Iterable[Asked]) -> str:
    """How many times what the lowest peer takes numpy alone does; "" where there is no peer."""
    floor = {of: Spread.of(run[of] for run in runs[_FLOOR.title]).median for of in _ASKED}
    times = [
        f"{floor[of] / one.known[one.peer]:.1f} times the {_WORDS[of]} of {one.peer}"
        for of, one in zip(_ASKED, asked, strict=True)
        if one.peer
    ]
    return f";\nalone it takes {' and '.join(times)}" if times else ""


_COLUMNS = ("", "s by the clock", "CPU s", "kws takes, times", "MB")


def _rows(runs: Mapping[str, list[dict[str, float]]]) -> Iterator[tuple[str, ...]]:
    for title, found in runs.items():
        clock, cpu, memory = (
            spread_text(Spread.of(run[of] for run in found), digits)
            for of, digits in (("startup", 2), ("loading", 3), ("peak_mb", 0))
        )
        times = (
            "" if title == OURSELVES.name else spread_text(ratio(runs[OURSELVES.name], found, "loading"), 2)
        )
        yield title, clock, cpu, times, memory


_SECTION = """\
From the start of a fresh Python process until it is ready to hear one word, files in the system's cache,
one core, {rounds}. What else the machine does stretches the clock, and by its use of caches the CPU time a
little; ratios are of CPU time, round by round. Memory is the largest resident size by then, in 10^6 bytes,
pages of shared libraries and all. *numpy alone* is Python with numpy and no engine.

{table}

Where kws stands, by medians; in brackets how many times what the lowest peer takes, and how many times the
aim:

{standing}

{verdict}

kws opens its second stage with its first candidate, not at its start. What stands before less: Python with
numpy, by medians {floor_cpu:.0f} % of kws' CPU time here and {floor_mb:.0f} % of its memory{floor_to_peer}.\
{more}
"""

_LIBRARIES = """
Of the rest of the memory {kws:.0f} MB are the two shared libraries that importing LiteRT loads, where
pymicro-wakeword's own build of TensorFlow Lite's C library is {peer:.0f}, by `/proc/self/smaps`."""


def _libraries(megabytes: Mapping[str, float]) -> str:
    if not {OURSELVES.name, _PEER.name} <= set(megabytes):
        return ""
    return _LIBRARIES.format(kws=megabytes[OURSELVES.name], peer=megabytes[_PEER.name])
