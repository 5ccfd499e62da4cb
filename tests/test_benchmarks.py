"""What the page says is what was measured: its arithmetic, on measurements that the tests make up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tables_of import row_of

from benchmarks import (
    cost,
    free_text,
    grammars,
    growth,
    limit,
    mapped,
    second_stage,
    startup,
    stream_rules,
)
from benchmarks.automaton import Automaton, smallest
from benchmarks.peers import OURSELVES
from benchmarks.stream_rules import Score, score
from kws.bench.process import Run
from kws.detector import Detector, DetectorConfig
from kws.evaluation import Occurrence
from kws.frontend import FrontendConfig
from kws.grammar.jsgf import parse_jsgf
from kws.grammar.reading import read_grammar
from kws.grammar.word_graph import word_graph
from kws.selftest import bundled_recordings
from kws.sources.whole import read_samples


def runs_of(cpu: tuple[float, ...], peak_mb: float = 30.0) -> list[dict[str, float]]:
    others = {"loading": 0.25, "startup": 0.5, "peak_mb": peak_mb, "p50": 0.001, "p99": 0.002}
    return [{"cpu": value, **others} for value in cpu]


def costs_of(runs: dict[str, dict[str, list[dict[str, float]]]]) -> dict[str, Any]:
    return {
        "rounds": 3,
        "seconds": 6.0,
        "warm": 1.5,
        "heads": "none",
        "said": [9, 47.9],
        "bytes": {"head": 18_336, "model for devices": 92_976},
        "missing": {"absent": "no such release"},
        "runs": runs,
        "quiet": runs,
        "footprints": {title: {"installed": 5_400_000, "models": 123_456} for title in runs},
        "known": {title: 10 if title == "kws" else 2 for title in runs},
        "chunks": dict.fromkeys(runs, 0.08),
    }


def test_costs_are_medians_and_ratios_are_of_one_round() -> None:
    kws = {str(count): runs_of((0.001, 0.004, 0.002)) for count in cost.COUNTS}
    peer = {"1": runs_of((0.002, 0.016, 0.002)), "4": runs_of((0.01, 0.01, 0.01))}
    text = cost.section(costs_of({"kws": kws, "peer": peer}))
    cpu, ratios, *quiet, others = row_of(text, "peer")
    assert cpu == ["peer", "0.00200 (0.00200 to 0.01600)", "0.01000", "not run"]
    assert ratios == ["peer", "0.500 (0.250 to 1.000)", "0.200 (0.100 to 0.400)", "not run"]
    assert quiet == [cpu, ratios]
    assert others[1:3] == ["80", "1.00 / 2.00"]
    assert others[-2:] == ["5", "0.12"]
    assert "Not measured: absent, no such release" in text
    assert "75 % confidence" in text
    assert "peer 2" in text


def test_what_stands_in_the_way_is_said_by_differences_of_medians() -> None:
    def kws_of(one: float, ten: float) -> dict[str, list[dict[str, float]]]:
        return {"1": runs_of((one,)), "4": runs_of((one,)), "10": runs_of((ten,))}

    files = "kws, half a second at a time, as from files"
    found = costs_of({"kws": kws_of(0.005, 0.009), files: kws_of(0.004, 0.008)})
    found["quiet"] = {"kws": kws_of(0.002, 0.003), files: kws_of(0.0005, 0.001)}
    text = " ".join(cost.section(found).split())
    assert "most of the 0.00200 for one word" in text
    assert "of which 0.00150 go where half a second comes at a time" in text
    assert "nine more heads add 0.00100." in text
    assert "adds 0.00300 for one word and 0.00600 for ten." in text
    del found["runs"][files], found["quiet"][files]
    assert "go where half a second" not in cost.section(found)


def test_every_word_is_said_before_counting_begins() -> None:
    """So that no second stage is opened in what is counted."""
    first, *_ = bundled_recordings()
    heard = {word.name: word.end + 1.0 for word in first.words if word.end + 1.0 < cost.WARM}
    assert set(heard) == set(OURSELVES.words)
    assert np.array_equal(cost.minute()[: 5 * 16_000], read_samples(first.audio)[: 5 * 16_000])


def test_start_up_is_judged_by_the_clock() -> None:
    runs = {"kws": runs_of((0.001, 0.001, 0.001)), "peer": runs_of((0.001, 0.001, 0.001))}
    for number, run in enumerate(runs["kws"]):
        run["startup"] = 0.3 + number / 10
    runs["numpy alone"] = runs["peer"]
    absent = {"absent": "no such release"}
    text = startup.section({"rounds": 3, "missing": absent, "libraries": {}, "runs": runs})
    assert "Not measured: absent, no such release" in text
    assert row_of(text, "kws")[:1] == [["kws", "0.40 (0.30 to 0.50)", "0.250", "", "30"]]
    assert row_of(text, "peer") == [["peer", "0.50", "0.250", "1.00", "30"]]
    assert "| kws | 0.40 (0.80, 2.7) | 30 (1.00, 0.8) |" in text


def test_numpy_alone_is_no_peer() -> None:
    runs = {name: runs_of((0.001,)) for name in ("kws", "peer", "numpy alone")}
    runs["numpy alone"][0] |= {"startup": 0.01, "loading": 0.01}
    libraries = {"kws": 12.3, "pymicro-wakeword": 1.6}
    text = startup.section({"rounds": 1, "missing": {}, "libraries": libraries, "runs": runs})
    assert "by medians 4 % of kws' CPU time here and 100 % of its memory" in " ".join(text.split())
    assert "rest of the memory 12 MB are" in text
    assert (
        "alone it takes 0.0 times the seconds of peer and 1.0 times the memory of peer. Of the"
        in " ".join(text.split())
    )
    assert row_of(text, "numpy alone") == [["numpy alone", "0.01", "0.010", "25.00", "30"]]
    assert "| lowest peer | peer 0.50 | peer 30 |" in text


def test_growth_is_told_by_medians_and_what_was_not_run_is_said() -> None:
    runs = [{"cpu": cpu, "peak_mb": 40.0} for cpu in (0.003, 0.001, 0.002)]
    found: dict[str, Any] = {"rounds": 3, "missing": {"absent": "no such release"}}
    for what in ("minutes", "models", "streams"):
        found[what] = {"kws": {"1": runs, "8": runs[:1]}, "peer": {"1": runs[:1]}}
    text = growth.section(found)
    assert row_of(text, "kws")[0] == ["kws", "0.00200 (0.00100 to 0.00300), 40.0 MB", "0.00300, 40.0 MB"]
    assert row_of(text, "peer")[0] == ["peer", "0.00300, 40.0 MB", "not run"]
    assert "Not measured: absent, no such release" in text
    assert all(text.startswith("<svg") for text in growth.drawings(found).values())


def test_hours_are_heard_once_and_all_else_in_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = {"pvporcupine": "no such release"}
    monkeypatch.setattr(growth, "why_missing", lambda engine: absent.get(engine.name, ""))
    monkeypatch.setattr(growth, "python_of", lambda engine: engine.name)
    monkeypatch.setattr(growth, "run", lambda plan, python: Run(0.001, 0.1, 30.0))
    found = growth.measure(2)
    assert found["missing"] == absent
    for engine in ("kws", "pymicro-wakeword"):
        counts = {minutes: len(runs) for minutes, runs in found["minutes"][engine].items()}
        assert counts == {"1": 2, "10": 2, "60": 1, "480": 1}
        assert {len(runs) for what in ("models", "streams") for runs in found[what][engine].values()} == {2}


SMAPS = """\
7f00-7f10 r-xp 00000000 fe:00 12 /site-packages/ai_edge_litert/_wrapper.so
Size:                 80 kB
Rss:                  50 kB
VmFlags: rd ex mr mw me
7f10-7f20 rw-p 00000000 00:00 0
Rss:                  1000 kB
7f20-7f30 r--p 00000000 fe:00 13 /site-packages/ai_edge_litert/libLiteRt.so
Rss:                  7 kB
7f30-7f40 r--p 00000000 fe:00 14 /usr/lib/libc.so.6
Rss:                  300 kB
"""


def test_memory_of_shared_libraries_is_that_of_their_folder() -> None:
    assert mapped.resident(SMAPS.splitlines(), "ai_edge_litert/") == 57 * 1024


def test_the_rules_of_the_streaming_wake_word() -> None:
    words = [Occurrence(10, 11), Occurrence(20, 21), Occurrence(30, 31)]
    # Heard twice; just in time; too late, and half a second after that again; from 2 s on something else.
    found = score([10.5, 11.2, 22.0, 32.1, 32.6, 33.7], words)
    assert found == Score(hits=2, misses=1, false_positives=2)
    assert found.passes
    assert not Score(hits=0, misses=stream_rules.MOST + 1, false_positives=0).passes
    assert not Score(hits=9, misses=0, false_positives=stream_rules.MOST + 1).passes


def test_the_table_of_the_rules_has_counts_and_intervals() -> None:
    one = {"word": "jarvis", "condition": "10 dB", "hits": 33, "misses": 6, "false_positives": 9}
    (row,) = row_of(stream_rules.section([one]), "jarvis, 10 dB")
    # 9 in a third of an hour; Garwood 1936: 4.115 to 17.08 of 9.
    assert row[1:] == ["15.4 % (5.9 to 30.5), 6 of 39", "27.00 (12.35 to 51.25), 9 in 0.33 h", "no"]


GRAMMAR = (
    "#JSGF V1.0;\ngrammar drinks;\npublic <order> = [a] (tea | (green | mint) {sort} tea) {drink} [please];\n"
)


def test_a_text_of_the_grammar_means_its_slots() -> None:
    graph = word_graph(parse_jsgf(GRAMMAR, "drinks"))
    assert grammars.slots_of("a mint tea please", graph) == {"sort": "mint", "drink": "mint tea"}
    assert grammars.slots_of("tea", graph) == {"drink": "tea"}
    assert grammars.slots_of("a green", graph) == {}
    assert grammars.slots_of("", graph) == {}


def test_single_digits_are_heard_by_a_grammar_of_one() -> None:
    (clips, grammar, _) = grammars.SETS["one digit"]
    assert clips == "digit"
    one = smallest(word_graph(read_grammar(grammars.path_of(grammar))))
    many = smallest(word_graph(read_grammar(grammars.path_of(grammars.SETS["digit"][1]))))
    assert sorted(sentences(one, one.start)) == sorted(many.rows[many.start])


def test_cpu_time_of_grammars_has_an_interval_over_clips() -> None:
    errors = {"kws": [[0, 1], [1, 1]], "pocketsphinx": [[1, 1], [1, 1]]}
    found = {"clips": 2, "seconds": [1.0, 3.0], "cpu": {"kws": [0.1, 0.1], "pocketsphinx": [0.1, 0.3]}}
    (row,) = row_of(
        grammars.section({"digit": {**found, "errors": errors}}), f"{grammars.TITLES['digit']}, 2 clips"
    )
    # A resample is of the first clip twice, of both, or of the second twice.
    assert row[4:] == ["0.0500 (0.0333 to 0.1000)", "0.1000 (0.1000 to 0.1000)"]


def test_free_text_is_compared_speaker_by_speaker() -> None:
    cpu = {"kws": [0.1, 0.1], "pocketsphinx": [1.0, 3.0]}
    errors = {"kws": [1, 2], "pocketsphinx": [2, 4]}
    found = {"clips": 2, "seconds": [10.0, 10.0], "cpu": cpu, "groups": "speakers", "words": [10, 10]}
    (row,) = row_of(
        free_text.section({"ocean": {**found, "errors": errors}}), f"{free_text.TITLES['ocean']}, 2 clips"
    )
    # A resample is of the first speaker twice, of both, or of the second twice.
    assert row[1:4] == [
        "15.0 % (10.0 to 20.0), 3 of 20 words, 2 speakers",
        "30.0 % (20.0 to 40.0), 6 of 20 words, 2 speakers",
        "15.0 (10.0 to 20.0)",
    ]
    assert row[5] == "0.2000 (0.1000 to 0.3000)"


@pytest.mark.recordings
def test_both_write_the_sentences_of_the_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(free_text, "MOST", 2)
    found = free_text.measure()
    for one in found.values():
        assert one["clips"] == 2
        # Chance would have nearly all wrong.
        assert all(sum(errors) < 0.8 * sum(one["words"]) for errors in one["errors"].values())
    assert "LibriSpeech, native readers, 2 clips" in free_text.section(found)


def sentences(automaton: Automaton, state: int) -> Iterator[str]:
    """All that it takes; it must have no cycles."""
    if automaton.final[state]:
        yield ""
    for word, target in automaton.rows[state].items():
        yield from (f"{word} {rest}".strip() for rest in sentences(automaton, target))


def test_the_smallest_automaton_takes_the_sentences_of_the_graph() -> None:
    automaton = smallest(word_graph(parse_jsgf(GRAMMAR, "drinks")))
    drinks = ["tea", "green tea", "mint tea"]
    wanted = [f"{a}{drink}{b}" for a in ("", "a ") for drink in drinks for b in ("", " please")]
    assert sorted(sentences(automaton, automaton.start)) == sorted(wanted)
    # Before anything, after "a", after "green" or "mint", after "tea", after "please".
    assert len(automaton.rows) == 5


def test_an_automaton_of_a_grammar_that_repeats_has_a_cycle() -> None:
    automaton = smallest(word_graph(parse_jsgf("#JSGF V1.0;\ngrammar g;\npublic <g> = (one | two)+;\n", "g")))
    assert automaton.rows[automaton.start].keys() == {"one", "two"}
    (again,) = set(automaton.rows[automaton.start].values())
    assert automaton.final == [number == again for number in range(2)]
    assert set(automaton.rows[again].values()) == {again}


def test_an_automaton_as_a_finite_state_grammar() -> None:
    lines = grammars.fsg(Automaton([{"tea": 1}, {"please": 1}], [False, True])).splitlines()
    arcs = [line.removeprefix("TRANSITION ") for line in lines if line.startswith("TRANSITION")]
    assert arcs == ["0 1 1 tea", "1 1 0.5 please", "1 2 0.5"]
    assert {"NUM_STATES 3", "START_STATE 0", "FINAL_STATE 2"} <= set(lines)


def test_multiplications_of_a_step() -> None:
    shapes = {
        0: np.array([1, 5, 1, 8]),
        1: np.array([8, 3, 1, 4]),
        2: np.array([1, 3, 1, 8]),
        3: np.array([2, 8]),
    }

    def macs(name: str, weights: int, output: int) -> int:
        return limit._operator_macs({"op_name": name, "inputs": [9, weights], "outputs": [output]}, shapes)

    assert macs("CONV_2D", 1, 0) == 5 * 8 * (3 * 1 * 4)
    assert macs("DEPTHWISE_CONV_2D", 2, 0) == 5 * 8 * 3
    assert macs("LOGISTIC", 2, 0) == 0
    shapes[4] = np.array([1, 2])
    assert macs("FULLY_CONNECTED", 3, 4) == 2 * 8
    assert limit.spectral_macs(FrontendConfig()) == 480 + (1024 * 4 + 512) + 512 + 512 + 400


class DeafWord:
    """Hears nothing by itself, in steps of 20 ms."""

    def __init__(self) -> None:
        self.detectors = [Detector(DetectorConfig(1.0))]

    def step_end(self, step: int) -> int:
        return (step + 1) * 320


@pytest.mark.parametrize("step", [0, 1, 2])
def test_a_word_proposes_in_the_block_in_which_its_moment_lies(step: int) -> None:
    word = DeafWord()
    seconds = 25.0 + 3 + step * 0.02
    second_stage.propose(word, 25.0, seconds)  # type: ignore[arg-type]
    (detector,) = word.detectors
    told = [detector.push(np.zeros(2, np.uint8)) for _ in range(200)]
    (number,) = [number for number, candidates in enumerate(told) if candidates]
    assert number == (150 + step - 1) // 2
    assert word.step_end(told[number][0].step) == seconds * 16_000
