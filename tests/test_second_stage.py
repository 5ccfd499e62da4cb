"""The second stage of a bundled word stands in its manifest as its measured points say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("pocketsphinx")

from kws.bundle import MODELS, bundled_names, find_bundle
from kws.confirmation_table import measured_points, second_stage_of
from kws.errors import KwsError
from kws.recognition.bundle import find_recognizer
from training import second_stage
from training.second_stage import (
    DEFAULT_PER_HOUR,
    OWN_PER_HOUR,
    fill_manifest,
    first_thresholds,
    own_report,
)


@pytest.fixture(params=bundled_names())
def copied(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for suffix in (".json", ".tflite"):
        shutil.copy(MODELS / f"{request.param}{suffix}", tmp_path)
    return tmp_path / f"{request.param}.json"


def test_filling_a_manifest_again_changes_nothing(copied: Path) -> None:
    stored = copied.read_bytes()
    bundle, recognizer = find_bundle(copied), find_recognizer("english")
    points = measured_points(bundle, recognizer)
    manifest = json.loads(stored)
    del manifest["kws"]["confirmation"]
    copied.write_text(json.dumps(manifest), "utf-8")
    fill_manifest(find_bundle(copied), recognizer, points)
    assert json.loads(copied.read_bytes()) == json.loads(stored)
    stage = second_stage_of(find_bundle(copied), recognizer)
    assert stage is not None
    (chosen,) = [
        point for point in points if (point.threshold, point.least) == (stage.threshold, stage.least)
    ]
    assert chosen.false_alarms.per_hour <= DEFAULT_PER_HOUR


def test_without_a_pair_that_keeps_to_the_rate_nothing_is_written(copied: Path) -> None:
    bundle, recognizer = find_bundle(copied), find_recognizer("english")
    stored = copied.read_bytes()
    loud = [p for p in measured_points(bundle, recognizer) if p.false_alarms.per_hour > DEFAULT_PER_HOUR]
    with pytest.raises(KwsError, match=r"no pair of thresholds keeps to 0\.25 an hour"):
        fill_manifest(bundle, recognizer, loud)
    assert copied.read_bytes() == stored


def test_own_thresholds_are_those_of_the_manifest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    bundle, asked = find_bundle("computer"), []
    monkeypatch.setattr(second_stage, "points", lambda *_: asked.append(_[-1]) or [])
    assert list(own_report(bundle, find_recognizer("english"), tmp_path)) == []
    stage = second_stage_of(bundle, find_recognizer("english"))
    assert stage is not None
    (pairs,) = asked  # all in one hearing
    alone = {first for first, leasts in pairs.items() if 0.0 in leasts}
    assert alone == {bundle.threshold, *first_thresholds(bundle, OWN_PER_HOUR)}
    assert [first for first, leasts in pairs.items() if stage.least in leasts] == [stage.threshold]


def test_a_threshold_is_the_lowest_that_keeps_to_its_rate() -> None:
    bundle = find_bundle("computer")
    for threshold, rate in zip(first_thresholds(bundle, (2.0, 0.5)), (0.5, 2.0), strict=True):
        rates = {row["threshold"]: row["false_alarms"] / row["hours"] for row in bundle.calibration}
        assert rates[threshold] <= rate
        assert all(found > rate for one, found in rates.items() if one < threshold)


def test_a_model_without_a_second_stage_has_no_pair_of_its_own(copied: Path, tmp_path: Path) -> None:
    manifest = json.loads(copied.read_text())
    del manifest["kws"]["confirmation"]
    copied.write_text(json.dumps(manifest))
    with pytest.raises(KwsError, match="measure without --own"):
        list(own_report(find_bundle(copied), find_recognizer("english"), tmp_path))
