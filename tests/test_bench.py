"""The benchmark measures what it says; how fast anything is, no test asks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pymicro_wakeword
import pytest

import kws
import kws.selftest
from kws import cli
from kws.bench import MANY, PEER, Cost, configurations, cpu_ratios, latency, measure
from kws.bench.process import OURS, Run, Spread
from kws.errors import KwsError
from kws.selftest import Recording, replay

MODEL = str(Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json")
THRESHOLD = 0.3
"""Low enough for one detection in the recording below, by a model that is not ours to retrain."""
RECORDING = Recording(kws.selftest.RECORDINGS / "calls.flac")


def test_latency_counts_from_the_end_of_the_word() -> None:
    engine = kws.load(MODEL, threshold=THRESHOLD)
    (word,) = [word for word in RECORDING.words if word.name == "alexa"]
    (detection,) = replay(RECORDING, engine)
    found = latency([RECORDING, RECORDING], engine)
    assert (found.words, found.heard) == (2, 2)
    assert found.p50 == found.p95 == pytest.approx(detection.end - word.end)


def test_words_not_heard_have_no_latency() -> None:
    found = latency([RECORDING], kws.load(MODEL, threshold=1.0))
    assert (found.p50, found.p95, found.words, found.heard) == (None, None, 1, 0)


def test_the_peer_is_measured_with_the_same_models() -> None:
    found = configurations(["computer", "jarvis"])
    assert found[f"{MANY} models"] == (OURS, ("computer", "jarvis", "computer", "jarvis"))
    for part in ("1 model", f"{MANY} models"):
        assert found[f"kws, {part} of the peer"][1:] == found[f"{PEER}, {part}"][1:]


def test_every_configuration_is_measured() -> None:
    costs = measure([MODEL], runs=1, seconds=2, recordings=[RECORDING])
    assert set(costs) == set(configurations([MODEL]))
    runs = [run for cost in costs.values() for run in cost.runs]
    assert len(runs) == len(costs)
    assert all(run.cpu > 0 and run.startup > 0 and run.peak_mb > 1 for run in runs)
    ours, theirs = (costs[who].runs[0].cpu for who in ("kws, 1 model of the peer", f"{PEER}, 1 model"))
    assert cpu_ratios(costs)["1 model"].median == ours / theirs


def test_ratios_are_of_runs_of_one_round() -> None:
    cpu = {"front end": (1.0, 4.0, 9.0), f"{PEER}, front end": (2.0, 4.0, 3.0)}
    costs = {title: Cost(tuple(Run(value, 0.1, 30.0) for value in values)) for title, values in cpu.items()}
    assert cpu_ratios(costs) == {"front end": Spread(median=1.0, low=0.5, high=3.0)}
    assert costs["front end"].spread("cpu") == Spread(median=4.0, low=1.0, high=9.0)


def test_a_model_that_cannot_be_loaded_is_named() -> None:
    with pytest.raises(KwsError, match="no-such-model"):
        measure(["no-such-model"], runs=1, seconds=1, recordings=[RECORDING])


def test_json_holds_costs_ratios_and_latency(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for path in (RECORDING.audio, RECORDING.audio.with_suffix(".words.jsonl")):
        shutil.copy(path, tmp_path)
    clip = str(tmp_path / "calls.flac")
    assert cli.main(["bench", clip, "--model", MODEL, "--runs", "1", "--seconds", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"costs", "cpu_ratio_to_peer", "latency"}
    assert set(found["costs"]["1 model"]) == {"cpu", "startup", "peak_mb"}
    assert set(found["costs"]["1 model"]["cpu"]) == {"median", "low", "high"}
    assert set(found["cpu_ratio_to_peer"]["1 model"]) == {"median", "low", "high"}
    assert found["latency"]["words"] == 1


def test_a_clip_without_labels_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shutil.copy(RECORDING.audio, tmp_path)
    clip = tmp_path / "calls.flac"
    assert cli.main(["bench", str(clip), "--model", MODEL]) == 2
    assert str(clip.with_suffix(".words.jsonl")) in capsys.readouterr().err
