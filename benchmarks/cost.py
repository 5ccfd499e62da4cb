"""What each engine costs: CPU time for 1, 4 and 10 words, called and in quiet, memory, disk."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.heads import HEADS, second_of_heads, untrained
from benchmarks.peers import (
    FIRST_STAGE,
    OURSELVES,
    PEERS,
    Engine,
    NotInstalledError,
    footprint,
    python_of,
)
from benchmarks.table import markdown, rounds_text, spread_text
from kws.bench import write_wav
from kws.bench.process import Plan, Run, Spread, run
from kws.selftest import bundled_recordings
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples

COUNTS = (1, 4, 10)
"""Words at once."""
SECONDS = 6.0
WARM = 1.5
QUIET_DBFS = -60.0
"""Of white noise, as a microphone hears a quiet room."""

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
        OURSELVES.name: {"half a second at a time, as from files": ({}, SAMPLE_RATE // 2)},
        HEADS.name: {"half a second at a time": ({}, SAMPLE_RATE // 2)},
        FIRST_STAGE.name: {"--engine c99": ({"engine": "c99", **FIRST_STAGE.options}, FIRST_STAGE.chunk)},
        "pvporcupine": {"its C function": ({"direct": True}, 512)},
    }
    found = []
    for engine in (OURSELVES, HEADS, FIRST_STAGE, *PEERS):
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
    turns: list[dict[str, dict[str, dict[int, Run]]]] = []
    with tempfile.TemporaryDirectory() as folder:
        heard = {"runs": Path(folder, "speech.wav"), "quiet": Path(folder, "quiet.wav")}
        write_wav(heard["runs"], minute())
        write_wav(heard["quiet"], quiet())
        for _ in range(rounds):
            turns.append(
                {what: {one.title: _runs(one, audio) for one in present} for what, audio in heard.items()}
            )
            yield {
                "rounds": len(turns),
                "seconds": SECONDS,
                "warm": WARM,
                "missing": missing,
                "heads": "not measured" if HEADS.name in missing else second_of_heads(),
                **{what: _by_variant(present, [turn[what] for turn in turns]) for what in heard},
                "footprints": {one.title: asdict(footprint(one.engine)) for one in present},
                "known": {one.title: len(one.engine.words) for one in present},
                "chunks": {one.title: one.chunk / SAMPLE_RATE for one in present},
            }


def _by_variant(
    present: Sequence[Variant], turns: Sequence[Mapping[str, Mapping[int, Run]]]
) -> dict[str, dict[str, list[dict[str, float]]]]:
    return {
        one.title: {str(count): [asdict(turn[one.title][count]) for turn in turns] for count in one.counts}
        for one in present
    }


def minute() -> Samples:
    """The selftest's recordings, joined and repeated to a minute."""
    joined = np.concatenate([read_samples(recording.audio) for recording in bundled_recordings()])
    return np.resize(joined, 60 * SAMPLE_RATE)


def quiet() -> Samples:
    """A minute of a quiet room, in which nothing is ever proposed."""
    noise = np.random.default_rng(1).standard_normal(60 * SAMPLE_RATE)
    return np.round(noise * 10 ** (QUIET_DBFS / 20) * 32768).astype(np.int16)


def unmeasured(missing: Mapping[str, str]) -> str:
    """Lines that say what was not measured, and why; "" where all was."""
    return "".join(f"\n\nNot measured: {title}, {why}" for title, why in missing.items())


@cache
def why_missing(engine: Engine) -> str:
    """What pip says against it, or what is to be trained first; "" where all is there."""
    if engine is HEADS and (missing := untrained()):
        return missing
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
Fresh processes, one core, one thread, {rounds}. Each hears {seconds:g} s after {warm:g} s that are not
counted; CPU time is user and system time. Other work may run beside it, and takes caches and the clock: the
ratios of CPU time carry over to other machines, seconds do not. kws runs as it does by default, in two
stages: a head on the published encoder listens, and at a candidate the word's model for devices hears the
last seconds again. *First stage alone* is `--confirm none`, that model all the time, and all that
`--engine c99` has; *trained heads* are words of one's own by `kws train`; their second
stage is {heads}.

In the selftest's recordings, where one of three wake words is said every five seconds, so that the second
stage is asked far more often than at home:

{speech}

In a quiet room (noise at {quiet:g} dBFS), as in most hours, where the first stage proposes nothing:

{quietly}

An engine that knows fewer than ten words runs them more than once ({few}), and wakeforge runs an encoder
for every word, as OVOS loads it. PocketSphinx can listen for any phrase of words in its dictionary.

{others}

This table is for one word in the selftest's recordings. A chunk's time is CPU time; it stands for how long an
event is held up by computing. Memory is the largest resident size of the process, in 10^6 bytes. On disk,
everything that pip installs for it counts, the interpreter does not.

{standing}

Ten heads follow one encoder, 18 kB each, as Porcupine's words, a few kB each, follow one network. The models
for devices are networks of about 60 kB each, of which each 30 ms need every weight where they listen always.
Most of kws' memory is numpy and
LiteRT: see what `--engine c99` takes without the latter.{missing}
"""

_OTHERS = ("", "chunk, ms", "a chunk takes, ms, p50 / p99", "peak MB", "installed MB", "model MB")


def section(found: Mapping[str, Any]) -> str:
    """The chapter of the page."""
    runs: dict[str, _ByCount] = found["runs"]
    return _SECTION.format(
        rounds=rounds_text(found["rounds"]),
        seconds=found["seconds"],
        warm=found["warm"],
        quiet=QUIET_DBFS,
        heads=found.get("heads", "the recognizer"),
        speech=_cpu_tables(runs),
        quietly=_cpu_tables(found["quiet"]),
        few=", ".join(_few(found["known"])),
        others=markdown(_OTHERS, (_others(title, by_count["1"], found) for title, by_count in runs.items())),
        standing="\n".join(_standing(found)),
        missing=unmeasured(found["missing"]),
    )


def _few(known: Mapping[str, int]) -> Iterator[str]:
    """Engines that know too few words, each once."""
    for title, count in known.items():
        if count < max(COUNTS) and ", " not in title:
            yield f"{title} {count}"


def _cpu_tables(runs: Mapping[str, _ByCount]) -> str:
    """CPU seconds, and ratios to them."""
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
    tables = (("CPU s per audio s", *words), cpu), (("kws costs, times", *words), ratios)
    return "\n\n".join(markdown(*table) for table in tables)


def _others(title: str, runs: Sequence[Mapping[str, float]], found: Mapping[str, Any]) -> tuple[str, ...]:
    size = found["footprints"][title]
    return (
        title,
        f"{1000 * found['chunks'][title]:.0f}",
        " / ".join(f"{1000 * _spread(runs, of).median:.2f}" for of in ("p50", "p99")),
        spread_text(_spread(runs, "peak_mb"), 0),
        f"{size['installed'] / 1e6:.0f}",
        f"{size['models'] / 1e6:.2f}",
    )


_ASKED = {
    ("quiet", "1", "cpu"): ("CPU s per audio s for one word, quiet", 0.0005, 5),
    ("runs", "1", "cpu"): ("for one word, wake words all the time", 0.0005, 5),
    ("quiet", "10", "cpu"): ("for ten words, quiet", 0.001, 5),
    ("runs", "10", "cpu"): ("for ten words, wake words all the time", 0.001, 5),
    ("runs", "1", "peak_mb"): ("peak MB", 40, 0),
}
"""What is heard, words and field -> what it is, what kws shall reach, decimals."""


def _standing(found: Mapping[str, Any]) -> Iterator[str]:
    """Where kws is among all, and how far from what it shall reach; by medians."""
    for (what, count, of), (title, aim, digits) in _ASKED.items():
        known = {
            name: _spread(by_count[count], of).median
            for name, by_count in found[what].items()
            if count in by_count
        }
        yield from standing(title, known, aim, digits)


def standing(title: str, known: Mapping[str, float], aim: float, digits: int) -> Iterator[str]:
    """One line: each of ours against the lowest peer and the aim; none where there is no peer."""
    ours = {name: value for name, value in known.items() if name.startswith(OURSELVES.name)}
    theirs = {name: value for name, value in known.items() if name not in ours}
    if not theirs:
        return
    peer = min(theirs, key=theirs.__getitem__)
    texts = [
        f"{name} {value:.{digits}f} "
        f"({value / theirs[peer]:.2f} times the lowest peer, {value / aim:.1f} times the aim)"
        for name, value in ours.items()
    ]
    yield f"* {title}: {'; '.join(texts)}. Lowest peer: {peer}, {theirs[peer]:.{digits}f}. Aim: {aim:g}."


def ratio(ours: Iterable[Mapping[str, float]], theirs: Iterable[Mapping[str, float]], of: str) -> Spread:
    """Of one figure, round by round."""
    return Spread.of(a[of] / b[of] for a, b in zip(ours, theirs, strict=True))


def _cpu_cell(runs: _ByCount, count: str) -> str:
    return spread_text(_spread(runs[count], "cpu"), 5) if count in runs else _NOT_RUN


def _ratio_cell(ours: _ByCount, theirs: _ByCount, count: str) -> str:
    return spread_text(ratio(ours[count], theirs[count], "cpu"), 3) if count in theirs else _NOT_RUN


def _spread(runs: Iterable[Mapping[str, float]], of: str) -> Spread:
    return Spread.of(run[of] for run in runs)
