"""What each engine costs: CPU time for 1, 4 and 10 words, called and in quiet, memory, disk."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.heads import HEADS, second_of_heads
from benchmarks.peers import OURSELVES, footprint, python_of
from benchmarks.standing import Asked, standing, verdict
from benchmarks.table import markdown, rounds_text, spread_text
from benchmarks.variants import COUNTS, FROM_FILES, Variant, missing_of, unmeasured, variants
from kws.bench import write_wav
from kws.bench.process import Plan, Run, Spread, run
from kws.bundle import Bundle, find_bundle
from kws.cascade import proposer
from kws.selftest import bundled_recordings
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples

SECONDS = 60.0
WARM = 8.0
"""In which all three wake words are said once: a second stage is opened by its first candidate."""
QUIET_DBFS = -60.0
"""Of white noise, as a microphone hears a quiet room."""

_ByCount = Mapping[str, Sequence[Mapping[str, float]]]
"""The runs of one engine, round by round; the key is the number of words."""
_NOT_RUN = "not run"


def measure(rounds: int) -> dict[str, Any]:
    """Everything as JSON: for each variant its runs, or why there are none."""
    *_, found = measured_by_rounds(rounds)
    return found


def measured_by_rounds(rounds: int) -> Iterator[dict[str, Any]]:
    """What is known after each round."""
    missing = missing_of(variants())
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
                "said": [sum(len(one.words) for one in bundled_recordings()), len(_joined()) / SAMPLE_RATE],
                "bytes": {"head": _bytes_of(proposer), "model for devices": _bytes_of(lambda model: model)},
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
    return np.resize(_joined(), 60 * SAMPLE_RATE)


def _joined() -> Samples:
    return np.concatenate([read_samples(recording.audio) for recording in bundled_recordings()])


def _bytes_of(stage: Callable[[Bundle], Bundle]) -> int:
    """On disk, of what hears the first word in one of its stages."""
    return stage(find_bundle(OURSELVES.models(1)[0])).model_path.stat().st_size


def quiet() -> Samples:
    """A minute of a quiet room, in which nothing is ever proposed."""
    noise = np.random.default_rng(1).standard_normal(60 * SAMPLE_RATE)
    return np.round(noise * 10 ** (QUIET_DBFS / 20) * 32768).astype(np.int16)


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
`--engine c99` has; *trained heads* are words of one's own by `kws train`; their second stage is
{heads}. From a microphone come 40 ms at a time, from files half a
second; Porcupine takes 32 ms and nothing else.

In the selftest's recordings, where wake words are said {said} times in {of:.0f} s, so that the second stage
is asked far more often than at home:

{speech}

In a quiet room (noise at {quiet:g} dBFS), as in most hours, where the first stage proposes nothing:

{quietly}

An engine that knows fewer than ten words runs them more than once ({few}), and wakeforge runs an encoder
for every word, as OVOS loads it. PocketSphinx can listen for any phrase of words in its dictionary. Of ten of
kws' words three or four are the same, and propose together when it is said.

{others}

This table is for one word in the selftest's recordings. A chunk's time is CPU time; it stands for how long an
event is held up by computing. Memory is the largest resident size of the process, in 10^6 bytes. On disk,
everything that pip installs for it counts, the interpreter does not.

Where kws stands, by medians; in brackets how many times what the lowest peer takes, in any of its ways, and
how many times the aim:

{standing}

{verdict}

Ten heads of {head:.0f} kB each follow one encoder, as Porcupine's words follow one network. The models for
devices are networks of {device:.0f} kB each, of which each 30 ms need every weight where they listen always.
What stands in the way, by medians: in quiet the encoder, most of the {quiet_one:.5f} for one word (see where
the time goes){pieces};
nine more heads add {heads_more:.5f}. Where words are said, the second stage, which hears seconds again for
each, adds {second_one:.5f} for one word and {second_ten:.5f} for ten. Of the memory, see what numpy takes
alone (chapter on start-up), and `--engine c99`, which does without LiteRT.{missing}
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
        heads=found["heads"],
        speech=_cpu_tables(runs),
        quietly=_cpu_tables(found["quiet"]),
        few=", ".join(_few(found["known"])),
        others=markdown(_OTHERS, (_others(title, by_count["1"], found) for title, by_count in runs.items())),
        standing=standing(asked := _asked(found)),
        verdict=verdict(asked),
        **_in_the_way(found),
        said=found["said"][0],
        of=found["said"][1],
        head=found["bytes"]["head"] / 1000,
        device=found["bytes"]["model for devices"] / 1000,
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
    ("quiet", "1", "cpu"): ("CPU s per audio s, one word, quiet", 0.0005, 5),
    ("runs", "1", "cpu"): ("one word, words said", 0.0005, 5),
    ("quiet", "10", "cpu"): ("ten words, quiet", 0.001, 5),
    ("runs", "10", "cpu"): ("ten words, words said", 0.001, 5),
    ("runs", "1", "peak_mb"): ("peak MB", 40, 0),
}
"""What is heard, words and field -> what it is, what kws shall reach, decimals."""


def _asked(found: Mapping[str, Any]) -> list[Asked]:
    return [
        Asked(
            *(title, aim, digits),
            {
                name: _spread(by_count[count], of).median
                for name, by_count in found[what].items()
                if count in by_count
            },
        )
        for (what, count, of), (title, aim, digits) in _ASKED.items()
    ]


def _in_the_way(found: Mapping[str, Any]) -> dict[str, Any]:
    """What parts of kws' CPU time are, by differences of medians."""
    said, quiet = (
        {count: _spread(found[what][OURSELVES.name][count], "cpu").median for count in ("1", "10")}
        for what in ("runs", "quiet")
    )
    files = found["quiet"].get(f"{OURSELVES.name}, {FROM_FILES}")
    pieces = "" if files is None else _PIECES.format(quiet["1"] - _spread(files["1"], "cpu").median)
    return {
        "quiet_one": quiet["1"],
        "pieces": pieces,
        "heads_more": quiet["10"] - quiet["1"],
        "second_one": said["1"] - quiet["1"],
        "second_ten": said["10"] - quiet["10"],
    }


_PIECES = ", of which {:.5f} go\nwhere half a second comes at a time, the same arithmetic by fewer calls"


def ratio(ours: Iterable[Mapping[str, float]], theirs: Iterable[Mapping[str, float]], of: str) -> Spread:
    """Of one figure, round by round."""
    return Spread.of(a[of] / b[of] for a, b in zip(ours, theirs, strict=True))


def _cpu_cell(runs: _ByCount, count: str) -> str:
    return spread_text(_spread(runs[count], "cpu"), 5) if count in runs else _NOT_RUN


def _ratio_cell(ours: _ByCount, theirs: _ByCount, count: str) -> str:
    return spread_text(ratio(ours[count], theirs[count], "cpu"), 3) if count in theirs else _NOT_RUN


def _spread(runs: Iterable[Mapping[str, float]], of: str) -> Spread:
    return Spread.of(run[of] for run in runs)
