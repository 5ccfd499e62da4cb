"""Which wake words get a second stage by themselves, and which do not."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kws
from kws.bundle import MODELS, Bundle, find_bundle
from kws.cascade import default_second
from kws.cli import main
from kws.confirmation_table import pair, second_stage_of
from kws.confirmed import ConfirmedWord
from kws.engine import Engine, WakeWord
from kws.errors import BundleError, KwsError
from kws.frontends import MICRO
from kws.loading import AUTO, NONE, Wanted, wake_words
from kws.recognition.bundle import RecognizerBundle, find_recognizer, write_recognizer
from kws.recognition.tokens import PHONES
from kws.selftest import RECORDINGS
from kws.types import SAMPLE_RATE, Block


@pytest.fixture
def recognizer(tmp_path: Path) -> RecognizerBundle:
    tokens = {"phones": (0, len(PHONES))}
    path = write_recognizer(
        tmp_path,
        "ears",
        b"",
        language="en",
        tokens=tokens,
        flush_rows=0,
        card={},
        encoder="speech-embedding-lower",
    )
    return find_recognizer(path)


@pytest.fixture
def measured(recognizer: RecognizerBundle, tmp_path: Path) -> Bundle:
    """A wake word, not a bundled one, that was measured with that recognizer."""
    for suffix in (".json", ".tflite"):
        shutil.copy(MODELS / f"computer{suffix}", tmp_path)
    bundle = find_bundle(tmp_path / "computer.json")
    default = {
        "recognizer": str(recognizer.manifest_path),
        "threshold": 0.3,
        "least": 0.13,
        "spellings": ["K AH M P Y UW T ER"],
    }
    table = {"models": pair(bundle, recognizer), "default": default, "points": []}
    return dataclasses.replace(bundle, manifest={"kws": {"confirmation": table}})


def damaged(measured: Bundle, **changed: object) -> Bundle:
    """The wake word with other entries in its table."""
    table = {**measured.manifest["kws"]["confirmation"], **changed}
    return dataclasses.replace(measured, manifest={"kws": {"confirmation": table}})


def wake_word(bundle: Bundle, **how: Any) -> WakeWord:
    (word,) = wake_words([Wanted(bundle, **how)])
    return word


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
    noise = np.random.default_rng(0).normal(0, 30, 2 * SAMPLE_RATE)
    assert Engine([word]).push(Block(noise.astype(np.int16))) == []
    with pytest.raises(BundleError, match=r"ears\.tflite"):
        word._look.open()


def test_words_with_the_same_recognizer_share_it(measured: Bundle) -> None:
    other = dataclasses.replace(measured, labels=("other",))
    first, second, alone = wake_words([Wanted(measured), Wanted(other), Wanted(measured, NONE)])
    assert isinstance(first, ConfirmedWord)
    assert isinstance(second, ConfirmedWord)
    assert first._look.rehearing is second._look.rehearing
    assert not isinstance(alone, ConfirmedWord)
    (apart,) = wake_words([Wanted(measured)])
    assert isinstance(apart, ConfirmedWord)
    assert apart._look.rehearing is not first._look.rehearing


@pytest.mark.parametrize("how", [{"threshold": 0.5}, {"confirm": NONE}, {"reference_kernels": True}])
def test_a_threshold_or_none_is_the_first_stage_alone(measured: Bundle, how: dict[str, object]) -> None:
    assert not isinstance(wake_word(measured, **how), ConfirmedWord)


def test_a_word_without_a_measured_pair_has_none(measured: Bundle, recognizer: RecognizerBundle) -> None:
    assert default_second(dataclasses.replace(measured, manifest={})) is None
    retrained = dataclasses.replace(measured, model_sha256="0")
    assert second_stage_of(retrained, recognizer) is None
    assert default_second(retrained) is None


def test_where_the_encoder_is_missing_the_first_stage_hears_alone(
    measured: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kws.cascade.find_spec", lambda name: None)
    assert default_second(measured) is None
    assert not isinstance(wake_word(measured, confirm=AUTO), ConfirmedWord)


def test_another_encoder_than_it_learned_on_is_an_error(
    measured: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another(recognizer: RecognizerBundle) -> None:
        raise BundleError(f"{recognizer.manifest_path}: not the network that models were trained on")

    monkeypatch.setattr(RecognizerBundle, "require_encoder", another)
    with pytest.raises(BundleError, match=r"ears\.json: not the network"):
        wake_word(measured)


def test_another_engine_hears_alone(measured: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kws.cascade.chosen", lambda engine: "c99")
    assert default_second(measured) is None


@pytest.mark.parametrize(
    ("key", "found", "said"),
    [
        ("threshold", None, r"default cannot be used \(None is no number from 0 to 1\)"),
        ("least", 1.5, r"default cannot be used \(1\.5 is no number"),
        ("least", float("nan"), r"default cannot be used \(nan is no number"),
        ("spellings", 7, "default cannot be used"),
        ("spellings", [], "a spelling without phones"),
        ("spellings", ["K AH", ""], "a spelling without phones"),
        ("spellings", ["QQQ"], r"default cannot be used \(no phone is called 'QQQ'\)"),
        ("recognizer", None, r"default\.recognizer is None; it must be a name"),
        ("recognizer", "klingon", "its second stage: klingon: no such recognizer"),
    ],
)
def test_a_default_that_makes_no_sense_is_one_line(
    measured: Bundle, key: str, found: object, said: str
) -> None:
    """With the place and the remedy, and never the first stage alone by accident."""
    default = {**measured.manifest["kws"]["confirmation"]["default"], key: found}
    with pytest.raises(BundleError, match=said) as refused:
        wake_word(damaged(measured, default=default))
    assert str(refused.value).startswith(f"{measured.manifest_path}: ")
    assert "--confirm none" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not isinstance(wake_word(damaged(measured, default=default), confirm=NONE), ConfirmedWord)


@pytest.mark.parametrize("missing", ["threshold", "least", "spellings"])
def test_a_default_lacks_nothing(measured: Bundle, missing: str) -> None:
    default = dict(measured.manifest["kws"]["confirmation"]["default"])
    del default[missing]
    with pytest.raises(BundleError, match=rf"default\.{missing} is missing"):
        wake_word(damaged(measured, default=default))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"default": ["english"]}, r"default is \['english'\]; it must be a table"),
        ({"default": None}, "default is None; it must be a table"),
        ({"models": None}, "models is None; it must be a list"),
    ],
)
def test_a_damaged_table_is_one_line(measured: Bundle, changed: dict[str, object], said: str) -> None:
    with pytest.raises(BundleError, match=said):
        wake_word(damaged(measured, **changed))


def test_damaged_costs_are_told_when_they_are_asked_for(measured: Bundle) -> None:
    for points in ([{"threshold": 0.3}], [{"threshold": "x", "least": 0.13}], 7):
        with pytest.raises(BundleError, match="points cannot be used"):
            _ = wake_word(damaged(measured, points=points)).calibration


def test_a_table_damaged_on_disk_is_told_by_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle = find_bundle("computer")
    manifest = json.loads(bundle.manifest_path.read_text("utf-8"))
    manifest["kws"]["confirmation"]["default"]["spellings"] = ["K AH M ?"]
    (tmp_path / "computer.json").write_text(json.dumps(manifest), "utf-8")
    (tmp_path / "computer.tflite").write_bytes(bundle.model_path.read_bytes())
    assert main(["run", str(RECORDINGS / "calls.flac"), "--model", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert f"{tmp_path / 'computer.json'}: kws.confirmation: default cannot be used" in err


@pytest.mark.parametrize("confirm", ["", " "])
def test_no_name_at_all_is_refused(measured: Bundle, confirm: str) -> None:
    allowed = 'allowed is name or path of a recognizer or a model, "none", or "auto"'
    with pytest.raises(KwsError, match=f'computer: confirm: found "{confirm}"; {allowed}'):
        wake_word(measured, confirm=confirm)


def test_a_threshold_of_the_second_stage_needs_one(measured: Bundle) -> None:
    for confirm in (AUTO, NONE):
        with pytest.raises(KwsError, match="name it with --confirm"):
            wake_word(measured, confirm=confirm, least=0.2)


def test_one_call_takes_both_thresholds(recognizer: RecognizerBundle, measured: Bundle) -> None:
    with pytest.raises(ValueError, match=r"confirm_threshold is 2, allowed are 0 to 1"):
        kws.load("computer", confirm_threshold=2)
    ears = str(recognizer.manifest_path)
    word = wake_word(measured, confirm=ears, threshold=0.6, least=0.4)
    model = str(measured.manifest_path)
    assert word.second_stage == {"name": model, "confirm": ears, "confirm_threshold": 0.4}
    assert word.detectors[0].config.threshold == 0.6
