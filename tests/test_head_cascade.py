"""The second stage of a new head: a threshold for each stage by its own rate, or none at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("pocketsphinx")

from heads import head_bundle

from kws.bundle import find_bundle
from kws.confirmed import ConfirmedWord
from kws.evaluation import CalibrationRow, Proportion, Rate
from kws.loading import Wanted, wake_words
from kws.recognition.alarm_rate import alarm_rate_of
from kws.recognition.bundle import find_recognizer
from kws.recognition.spelling import phrase_spellings
from kws.recognition.tokens import PHONES
from training.heads.cascade import HEAD_PER_HOUR, SPELLING_PER_HOUR, second_stage


def row(threshold: float, alarms: int) -> CalibrationRow:
    return CalibrationRow(threshold, Proportion(1, 50), Proportion(2, 50), Rate(alarms, 10.0))


TABLE = [row(0.1, round(25 * HEAD_PER_HOUR)), row(0.3, round(9 * HEAD_PER_HOUR)), row(0.6, 2)]


def test_each_stage_keeps_to_its_own_rate() -> None:
    found = second_stage("blue lagoon", TABLE, b"model")
    assert found is not None
    assert found["default"]["threshold"] == 0.3
    rate = alarm_rate_of(find_recognizer("english"))
    ways = phrase_spellings("blue lagoon", PHONES)
    assert found["default"]["least"] == pytest.approx(rate.threshold(ways, SPELLING_PER_HOUR), abs=1e-4)
    assert found["default"]["spellings"] == ["B L UW L AH G UW N"]


def test_a_bundle_with_it_asks_the_recognizer(tmp_path: Path) -> None:
    path = head_bundle(tmp_path, "word")
    manifest = json.loads(path.read_text("utf-8"))
    manifest["kws"]["confirmation"] = second_stage("word", TABLE, path.with_suffix(".tflite").read_bytes())
    path.write_text(json.dumps(manifest), "utf-8")
    (word,) = wake_words([Wanted(find_bundle(path))])
    assert isinstance(word, ConfirmedWord)
    assert word.detectors[0].config.threshold == 0.3


def test_what_cannot_be_said_or_fires_too_often_has_none() -> None:
    assert second_stage("123", TABLE, b"model") is None
    assert second_stage("blue lagoon", TABLE[:1], b"model") is None
