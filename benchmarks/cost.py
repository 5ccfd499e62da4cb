"""What each engine costs: CPU time for 1, 4 and 10 words, a chunk's time, start-up, memory, disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import ENGINES, OURSELVES, Engine, NotInstalledError, footprint, python_of
from benchmarks.table import markdown, rounds_text, spread_text
from kws.bench import write_wav
from kws.bench.process import Plan, Run, Spread, run
from kws.selftest import bundled_recordings
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples

COUNTS = (1, 4, 10)
"""Words at once."""
SECONDS = 12.0
WARM = 2.0

_ByCount = Mapping[str, Sequence[Mapping[str, float]]]
"""The runs of one engine, round by round; the key is the number of words."""
_NOT_RUN = "not run"


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
        OURSELVES.name: {
            "--engine c99": ({"engine": "c99"}, OURSELVES.chunk),
            "half a second at a time, as from files": ({}, SAMPLE_RATE // 2),
        },
        "pvporcupine": {"its C function": ({"direct": True}, 512)},
    }
    found = []
    for engine in ENGINES:
        found.append(Variant(engine.name, engine, engine.options, engine.chunk))
        for how, (options, chunk) in further.get(engine.name, {}).items():
            found.append(Variant(f"{engine.name}, {how}", engine, options, chunk))
    return found


def measure(rounds: int) -> dict[str, Any]:
    """Everything as JSON: for each variant its runs, or why there are none."""
    *_, found = measured_by_rounds(rounds)
    return found


def measured_by_rounds(rounds: int) -> Iterator[dict[str, Any]]:
    """What is known after each round."""
    missing = {one.title: why for one in variants() if (why := why_missing(one.engine))}
    present = [one for one in variants() if one.title not in missing]
    turns: list[dict[str, dict[int, Run]]] = []
    with tempfile.TemporaryDirectory() as folder:
        audio = Path(folder, "audio.wav")
        write_wav(audio, minute())
        for _ in range(rounds):
            turns.append({one.title: _runs(one, audio) for one in present})
            yield {
                "rounds": len(turns),
                "seconds": SECONDS,
                "warm": WARM,
                "missing": missing,
                "runs": {
                    one.title: {
                        str(count): [asdict(turn[one.title][count]) for turn in turns] for count in one.counts
                    }
                    for one in present
                },
                "footprints": {one.title: asdict(footprint(one.engine)) for one in present},
                "known": {one.title: len(one.engine.words) for one in present},
                "chunks": {one.title: one.chunk / SAMPLE_RATE for one in present},
            }


def minute() -> Samples:
    """The selftest's recordings, joined and repeated to a minute."""
    joined = np.concatenate([read_samples(recording.audio) for recording in bundled_recordings()])
    return np.resize(joined, 60 * SAMPLE_RATE)


def why_missing(engine: Engine) -> str:
    """What pip says against it; "" where it is installed."""
    try:
        python_of(engine)
    except NotInstalledError as error:
        return str(error)
    return ""


def _runs(one: Variant, audio: Path) -> dict[int, Run]:
    plans = {
        count: Plan(
            *(audio, SECONDS, one.engine.adapter, one.engine.models(count), one.options, one.chunk),
            warm=WARM,
        )
        for count in one.counts
    }
    return {count: run(plan, python_of(one.engine)) for count, plan in plans.items()}


_SECTION = """\
Fresh processes, one core, one thread, {rounds}. Each hears {seconds:g} s of the selftest's recordings after
{warm:g} s that are not counted; CPU time is user and system time. Other work may run beside it, and takes
caches and the clock: the ratios of CPU time carry over to other machines, seconds do not.

{cpu}

{ratios}

An engine that knows fewer than ten words runs them more than once ({few}), and wakeforge runs an encoder
for every word, as OVOS loads it. PocketSphinx can listen for any phrase of words in its dictionary.

{others}

Times in this table are for one word. A chunk's time is CPU time; it stands for how long an event is held
up by computing. Start-up as CPU time is what the machine's other work does not stretch. Memory is the
largest resident size of the process, in 10^6 bytes. On disk, everything that pip installs for it counts,
the interpreter does not.

{standing}

Ten words of kws are ten networks of about 60 kB, of which each 30 ms need every weight, and the less of the
caches is theirs, the more that costs. Porcupine's words, a few kB each, follow one network that all share.
Most of kws' memory is numpy and
LiteRT: see what `--engine c99` takes without the latter.{missing}
"""

_OTHERS = (
    *("", "chunk, ms", "a chunk takes, ms, p50 / p99", "start-up, CPU s", "start-up, s of the clock"),
    *("peak MB", "installed MB", "model MB"),
)


def section(found: Mapping[str, Any]) -> str:
    """The chapter of the page."""
    runs: dict[str, _ByCount] = found["runs"]
    ours = runs[OURSELVES.name]
    words = [f"{count} word{'s' * (count > 1)}" for count in COUNTS]
    cpu = [
        (title, *(_cpu_cell(by_count, str(count)) for count in COUNTS)) for title, by_count in runs.items()
    ]
    ratios = [
        (title, *(_ratio_cell(ours, by_count, str(count)) for count in COUNTS))
        for title, by_count in runs.items()
        if title != OURSELVES.name
    ]
    return _SECTION.format(
        rounds=rounds_text(found["rounds"]),
        seconds=found["seconds"],
        warm=found["warm"],
        cpu=markdown(("CPU s per audio s", *words), cpu),
        ratios=markdown(("kws costs, times", *words), ratios),
        few=", ".join(f"{title} {count}" for title, count in found["known"].items() if count < max(COUNTS)),
        others=markdown(_OTHERS, (_others(title, by_count["1"], found) for title, by_count in runs.items())),
        standing="\n".join(_standing(runs)),
        missing="".join(f"\n\nNot installed: {title}, {why}" for title, why in found["missing"].items()),
    )


def _others(title: str, runs: Sequence[Mapping[str, float]], found: Mapping[str, Any]) -> tuple[str, ...]:
    size = found["footprints"][title]
    return (
        title,
        f"{1000 * found['chunks'][title]:.0f}",
        " / ".join(f"{1000 * _spread(runs, of).median:.2f}" for of in ("p50", "p99")),
        spread_text(_spread(runs, "loading"), 2),
        spread_text(_spread(runs, "startup"), 2),
        spread_text(_spread(runs, "peak_mb"), 0),
        f"{size['installed'] / 1e6:.0f}",
        f"{size['models'] / 1e6:.2f}",
    )


_ASKED = {
    ("1", "cpu"): ("CPU s per audio s for one word", 0.0005, 5),
    ("10", "cpu"): ("CPU s per audio s for ten words", 0.001, 5),
    ("1", "peak_mb"): ("peak MB", 40, 0),
    ("1", "loading"): ("CPU s of start-up", 0.15, 2),
}
"""Words and field -> what it is, what kws shall reach, decimals."""


def _standing(runs: Mapping[str, _ByCount]) -> Iterator[str]:
    """Where kws is among all, and how far from what it shall reach; by medians."""
    for (count, of), (title, aim, digits) in _ASKED.items():
        known = {
            name: _spread(by_count[count], of).median for name, by_count in runs.items() if count in by_count
        }
        ours = {name: value for name, value in known.items() if name.startswith(OURSELVES.name)}
        theirs = {name: value for name, value in known.items() if name not in ours}
        if theirs:
            yield standing(title, ours, theirs, aim, digits)


def standing(
    title: str, ours: Mapping[str, float], theirs: Mapping[str, float], aim: float, digits: int
) -> str:
    """One line: each of ours against the lowest peer and the aim."""
    peer = min(theirs, key=theirs.__getitem__)
    texts = [
        f"{name} {value:.{digits}f} "
        f"({value / theirs[peer]:.2f} times the lowest peer, {value / aim:.1f} times the aim)"
        for name, value in ours.items()
    ]
    return f"* {title}: {'; '.join(texts)}. Lowest peer: {peer}, {theirs[peer]:.{digits}f}. Aim: {aim:g}."


def ratio(ours: Iterable[Mapping[str, float]], theirs: Iterable[Mapping[str, float]], of: str) -> Spread:
    """Of one figure, round by round."""
    return Spread.of(a[of] / b[of] for a, b in zip(ours, theirs, strict=True))


def _cpu_cell(runs: _ByCount, count: str) -> str:
    return spread_text(_spread(runs[count], "cpu"), 5) if count in runs else _NOT_RUN


def _ratio_cell(ours: _ByCount, theirs: _ByCount, count: str) -> str:
    return spread_text(ratio(ours[count], theirs[count], "cpu"), 3) if count in theirs else _NOT_RUN


def _spread(runs: Iterable[Mapping[str, float]], of: str) -> Spread:
    return Spread.of(run[of] for run in runs)
