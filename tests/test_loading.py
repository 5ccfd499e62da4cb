"""Which wake words get a second stage by themselves, and which do not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import kws.recognition.bundle
from kws.bundle import Bundle, find_bundle
from kws.errors import BundleError, KwsError
from kws.frontends import MICRO
from kws.loading import AUTO, NONE, default_recognizer, wake_word
from kws.recognition.bundle import LOWER_LAYERS, RecognizerBundle, find_recognizer, write_recognizer
from kws.recognition.confirmation import ConfirmedWord
from kws.recognition.confirmation_table import pair, second_stage_of
from kws.recognition.tokens import PHONES


@pytest.fixture
def recognizer(tmp_path: Path) -> RecognizerBundle:
    tokens = {"phones": (0, len(PHONES))}
    path = write_recognizer(
        tmp_path, "ears", b"", language="en", tokens=tokens, flush_rows=0, card={}, encoder=LOWER_LAYERS
    )
    return find_recognizer(path)


@pytest.fixture
def measured(recognizer: RecognizerBundle) -> Bundle:
    """A wake word that was measured with that recognizer."""
    bundle = find_bundle("computer")
    default = {
        "recognizer": str(recognizer.manifest_path),
        "threshold": 0.3,
        "least": 0.13,
        "spellings": ["K AH M P Y UW T ER"],
    }
    table = {"models": pair(bundle, recognizer), "default": default, "points": []}
    return dataclasses.replace(bundle, manifest={"kws": {"confirmation": table}})


def test_a_word_that_was_measured_with_a_recognizer_asks_it(measured: Bundle) -> None:
    word = wake_word(measured)
    assert isinstance(word, ConfirmedWord)
    assert word.detectors[0].config.threshold == 0.3
    assert set(word.front_ends) == {MICRO, "waveform"}


def test_a_word_says_what_its_two_stages_cost_and_how_to_ask_for_them(measured: Bundle) -> None:
    points = [
        {"threshold": 0.5, "least": 0.13},
        {"threshold": 0.3, "least": 0.13},
        {"threshold": 0.3, "least": 0.2},
    ]
    measured.manifest["kws"]["confirmation"]["points"] = points
    word = wake_word(measured)
    assert word.calibration == [points[1], points[0]]
    assert word.second_stage["confirm_threshold"] == 0.13
    again = wake_word(measured, threshold=0.5, confirm=word.second_stage["confirm"], least=0.13)
    assert isinstance(again, ConfirmedWord)
    assert wake_word(measured, confirm=NONE).second_stage == {}


def test_nothing_of_the_recognizer_is_loaded_before_a_candidate(measured: Bundle) -> None:
    """The one here could not be: its model file is empty."""
    word = wake_word(measured)
    assert isinstance(word, ConfirmedWord)
    with pytest.raises(BundleError, match=r"ears\.tflite"):
        word._look.open()


@pytest.mark.parametrize("how", [{"threshold": 0.5}, {"confirm": NONE}])
def test_a_threshold_or_none_is_the_first_stage_alone(measured: Bundle, how: dict[str, object]) -> None:
    assert not isinstance(wake_word(measured, **how), ConfirmedWord)  # type: ignore[arg-type]


def test_a_word_without_a_measured_pair_has_none(measured: Bundle, recognizer: RecognizerBundle) -> None:
    assert default_recognizer(dataclasses.replace(measured, manifest={})) == NONE
    retrained = dataclasses.replace(measured, model_sha256="0")
    assert second_stage_of(retrained, recognizer) is None
    assert default_recognizer(retrained) == NONE


def test_where_the_encoder_is_missing_the_first_stage_hears_alone(
    measured: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise KwsError("the package is not installed")

    monkeypatch.setattr(kws.recognition.bundle, "published_network", missing)
    assert default_recognizer(measured) == NONE
    assert not isinstance(wake_word(measured, confirm=AUTO), ConfirmedWord)


def test_another_engine_hears_alone(measured: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kws.loading.chosen", lambda engine: "c99")
    assert default_recognizer(measured) == NONE


def test_a_default_that_makes_no_sense_is_one_line(measured: Bundle, recognizer: RecognizerBundle) -> None:
    table = {**measured.manifest["kws"]["confirmation"], "default": {"recognizer": "english"}}
    broken = dataclasses.replace(measured, manifest={"kws": {"confirmation": table}})
    with pytest.raises(BundleError, match=r"confirmation\.default cannot be used"):
        second_stage_of(broken, recognizer)
