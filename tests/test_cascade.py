"""Which stages a wake word has by itself: a bundled one is proposed by a head, decided by its other model."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import pytest

from kws.bundle import MODELS, Bundle, bundled_names, find_bundle
from kws.cascade import HEADS, default_second, find_second, proposer
from kws.commands.budget import Budget
from kws.commands.models import describe
from kws.commands.options import load_engine
from kws.confirmation_table import measured_points, second_stage_of
from kws.confirmed import ConfirmedWord
from kws.errors import BundleError
from kws.frontends import SPEECH_EMBEDDING, WAVEFORM
from kws.loading import AUTO, NONE, Wanted, wake_words
from kws.recognition.bundle import RecognizerBundle
from kws.second_opinion import SecondOpinion


@pytest.mark.parametrize("name", bundled_names())
def test_a_bundled_word_is_proposed_by_its_head_and_decided_by_its_model_for_devices(name: str) -> None:
    device = find_bundle(name)
    head = proposer(device)
    assert head.manifest_path == HEADS / f"{name}.json"
    assert (head.name, head.labels, head.wake_word) == (device.name, device.labels, device.wake_word)
    assert head.model_path.stat().st_size <= 20_000
    stage = second_stage_of(head, device)
    assert stage is not None
    (word,) = wake_words([Wanted(device)])
    assert isinstance(word, ConfirmedWord)
    assert word.bundle == head
    assert word.detectors[0].config.threshold == stage.threshold
    assert word.second_stage == {
        "name": str(head.manifest_path),
        "confirm": str(device.manifest_path),
        "confirm_threshold": stage.least,
    }
    assert set(word.front_ends) == {SPEECH_EMBEDDING, WAVEFORM}


def test_info_tells_who_hears_a_word_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    device = find_bundle("computer")
    facts = describe(device)
    assert facts["proposed_by"] == str(HEADS / "computer.json")
    assert facts["confirmed_by"] == str(device.manifest_path)
    (word,) = wake_words([Wanted(device)])
    thresholds = word.detectors[0].config.threshold, word.second_stage["confirm_threshold"]
    assert facts["their_thresholds"] == list(thresholds)
    monkeypatch.setattr("kws.cascade.find_spec", lambda _: None)
    assert "proposed_by" not in describe(device)


@pytest.mark.parametrize("how", [{"confirm": NONE}, {"threshold": 0.5}, {"reference_kernels": True}])
def test_asked_for_one_stage_it_is_the_model_for_devices(how: dict[str, object]) -> None:
    device = find_bundle("computer")
    (word,) = wake_words([Wanted(device, **how)])  # type: ignore[arg-type]
    assert not isinstance(word, ConfirmedWord)
    assert word.bundle == device


@pytest.mark.parametrize(("where", "found"), [("kws.cascade.find_spec", None), ("kws.cascade.chosen", "c99")])
def test_where_the_head_cannot_run_it_is_the_model_for_devices(
    where: str, found: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, lambda _: found)
    device = find_bundle("computer")
    assert proposer(device) == device
    (word,) = wake_words([Wanted(device)])
    assert not isinstance(word, ConfirmedWord)
    assert word.bundle == device


def test_what_is_not_bundled_has_no_head(tmp_path: Path) -> None:
    for suffix in (".json", ".tflite"):
        shutil.copy(MODELS / f"computer{suffix}", tmp_path)
    mine = find_bundle(tmp_path)
    assert proposer(mine) == mine


def test_a_head_of_another_pair_is_not_heard(caplog: pytest.LogCaptureFixture) -> None:
    """The device's model has been trained anew: the thresholds are not its own."""
    head = proposer(find_bundle("computer"))
    assert default_second(head) is not None
    assert default_second(dataclasses.replace(head, model_sha256="0")) is None
    command = f"run python -m training.second_stage {head.manifest_path} --confirm computer --fill"
    assert command in caplog.text


def test_a_second_stage_is_found_by_name_and_path(tmp_path: Path) -> None:
    assert isinstance(find_second("english"), RecognizerBundle)
    assert isinstance(find_second(MODELS / "english.json"), RecognizerBundle)
    for name in ("computer", MODELS / "computer.json", MODELS / "computer.tflite"):
        assert isinstance(find_second(name), Bundle)
    with pytest.raises(BundleError, match="klingon: no such recognizer"):
        find_second("klingon")


def test_a_model_of_another_word_confirms_nothing() -> None:
    with pytest.raises(BundleError, match=r"jarvis\.json: hears jarvis, so it cannot confirm computer"):
        wake_words([Wanted(find_bundle("computer"), "jarvis")])


def test_words_share_the_audio_that_they_look_back_at() -> None:
    first, second = wake_words([Wanted(find_bundle("computer")), Wanted(find_bundle("jarvis"))])
    assert isinstance(first, ConfirmedWord)
    assert isinstance(second, ConfirmedWord)
    one, other = first._look, second._look
    assert isinstance(one, SecondOpinion)
    assert isinstance(other, SecondOpinion)
    assert one.rehearing.rows is other.rehearing.rows


def test_a_budget_is_kept_by_both_stages_together(capsys: pytest.CaptureFixture[str]) -> None:
    device = find_bundle("computer")
    head = proposer(device)
    per_day = 25 * max(point.false_alarms.per_hour for point in measured_points(head, device))
    (word,) = load_engine(("computer",), Budget(per_day), confirm=AUTO).wake_words
    assert isinstance(word, ConfirmedWord)
    thresholds = word.detectors[0].config.threshold, word.second_stage["confirm_threshold"]
    chosen = [p for p in measured_points(head, device) if (p.threshold, p.least) == thresholds]
    least = min(p.misses.count + p.noisy_misses.count for p in measured_points(head, device))
    assert [p.misses.count + p.noisy_misses.count for p in chosen] == [least]
    assert "kws: computer: thresholds " in capsys.readouterr().err
    (alone,) = load_engine(("computer",), Budget(per_day), confirm=NONE).wake_words
    assert not isinstance(alone, ConfirmedWord)
