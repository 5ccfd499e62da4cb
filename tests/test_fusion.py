"""A word that several second stages judge together: found by its manifest, and heard alike in any pieces."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("pocketsphinx")

from firmware_export.output import exported_bundle, write_files
from kws.bundle import Bundle, find_bundle, write_bundle
from kws.cascade import HEADS, default_second, files_beside
from kws.commands.models import describe
from kws.confirmation_table import ConfirmationPoint
from kws.confirmed import ConfirmedWord
from kws.engine import Engine
from kws.errors import BundleError, KwsError
from kws.evaluation import Proportion, Rate
from kws.events import Event
from kws.frontends import SPEECH_EMBEDDING
from kws.fusion import Fusion
from kws.loading import AUTO, NONE, Wanted, wake_words
from kws.recognition.bundle import find_recognizer
from kws.recognition.spelling import phrase_spellings
from kws.recognition.tokens import PHONES
from kws.selftest import RECORDINGS
from kws.several_looks import SeveralLooks
from kws.sources.whole import read_samples
from kws.types import Block, Samples
from training.accuracy.confirmation import confirmation
from training.enroll.listening import with_threshold

CALLS = read_samples(RECORDINGS / "calls.flac")
"""The three bundled words."""
WEIGHTS = (0.5, 0.75)
POINT = ConfirmationPoint(0.2, 0.4, Proportion(0, 5), Proportion(1, 5), Rate(2, 10.0))


def fused(folder: Path, least: float = 0.4, second: Bundle | None = None) -> Path:
    """The bundled head of "computer", confirmed by the model for devices and by its spelling together."""
    head = find_bundle(HEADS / "computer.json")
    both = Fusion((second or find_bundle("computer"), find_recognizer("english")), WEIGHTS)
    ways = phrase_spellings("computer", PHONES)
    manifest = dict(head.manifest)
    checksum = str(head.model_sha256)
    manifest["kws"] |= {"confirmation": confirmation(checksum, both, (0.2, least), ways, [POINT])}
    tflite = head.model_path.read_bytes()
    return write_bundle(folder, "computer", tflite, manifest, front_end=SPEECH_EMBEDDING)


def word_of(path: Path, **how: Any) -> ConfirmedWord:
    (word,) = wake_words([Wanted(find_bundle(path), **how)])
    assert isinstance(word, ConfirmedWord)
    return word


def heard(path: Path, pieces: list[Samples]) -> list[Event]:
    engine = Engine(wake_words([Wanted(find_bundle(path))]))
    return [event for piece in pieces for event in engine.push(Block(piece))] + engine.flush()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fused(tmp_path_factory.mktemp("fused"))


def test_both_judge_with_their_weights_what_the_model_proposes(path: Path) -> None:
    word = word_of(path)
    look = word._look
    assert isinstance(look, SeveralLooks)
    assert [(seat.look.source.split("/")[-1], seat.weight) for seat in look._seats] == [
        ("computer.json", 0.5),
        ("english.json", 0.75),
    ]
    assert (word.detectors[0].config.threshold, word._least, word._weight) == (0.2, 0.4, 1.25)
    assert word.calibration[0]["false_alarms"] == 2


def test_the_word_is_heard_where_all_together_suffice(path: Path, tmp_path: Path) -> None:
    (event,) = heard(path, [CALLS])
    assert (event.name, event.threshold) == ("computer", 0.4)  # type: ignore[attr-defined]
    assert heard(fused(tmp_path, least=0.999), [CALLS]) == []


@given(st.lists(st.integers(0, len(CALLS)), max_size=12))
@settings(deadline=None, max_examples=10)
def test_any_split_of_the_audio_gives_the_same_events(path: Path, cuts: list[int]) -> None:
    assert heard(path, np.split(CALLS, sorted(cuts))) == heard(path, [CALLS])


def test_words_of_one_engine_share_the_audio_and_the_recognizer(path: Path) -> None:
    wanted = [
        Wanted(find_bundle(path)),
        Wanted(find_bundle("jarvis")),
        Wanted(find_bundle("alexa"), "english"),
    ]
    first, jarvis, alexa = wake_words(wanted)
    assert isinstance(first, ConfirmedWord)
    assert isinstance(first._look, SeveralLooks)
    opinion, spelling = (seat.look for seat in first._look._seats)
    assert opinion.rehearing.rows is jarvis._look.rehearing.rows  # type: ignore[attr-defined]
    assert spelling.rehearing is alexa._look.rehearing  # type: ignore[attr-defined]
    assert spelling.rehearing.rows is opinion.rehearing.rows  # type: ignore[attr-defined]
    assert first._kept == [opinion.rehearing.rows]  # type: ignore[attr-defined]


def test_thresholds_of_both_may_be_given_where_there_are_both(path: Path, tmp_path: Path) -> None:
    word = word_of(path, confirm=AUTO, threshold=0.3, least=0.5)
    assert (word.detectors[0].config.threshold, word._least) == (0.3, 0.5)
    for how in ({"least": 0.5}, {"least": 0.5, "threshold": 0.3, "confirm": NONE}):
        with pytest.raises(KwsError, match="is that of a second stage"):
            word_of(path, **how)
    shutil.copy(path.with_suffix(".tflite"), tmp_path / "computer.tflite")
    manifest = json.loads(path.read_text("utf-8"))
    del manifest["kws"]["confirmation"]
    (tmp_path / "computer.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(KwsError, match="is that of a second stage"):
        wake_words([Wanted(find_bundle(tmp_path), threshold=0.3, least=0.5)])


def with_folder(folder: Path) -> Path:
    """The model for devices lies in a folder beside the head."""
    beside = folder / "second"
    beside.mkdir()
    source = find_bundle("computer")
    for file in (source.manifest_path, source.model_path):
        shutil.copy(file, beside)
    return fused(folder, second=find_bundle(beside))


def test_copies_of_a_word_are_made_with_what_judges_it(tmp_path: Path) -> None:
    bundle = find_bundle(with_folder(tmp_path))
    assert set(files_beside(bundle)) == {"second/computer.json", "second/computer.tflite"}
    assert files_beside(find_bundle("computer")) == {}
    copied = with_threshold(bundle, 0.1, tmp_path / "mine")
    assert isinstance(word_of(copied)._look, SeveralLooks)
    write_files(tmp_path / "export", "test", bundle, {}, {})
    assert isinstance(word_of(exported_bundle(tmp_path / "export").manifest_path)._look, SeveralLooks)


def test_a_model_beside_the_word_is_found_from_its_folder(tmp_path: Path) -> None:
    path = with_folder(tmp_path)
    beside = tmp_path / "second"
    manifest = json.loads(path.read_text("utf-8"))
    assert manifest["kws"]["confirmation"]["default"]["model"] == "second/computer.json"
    facts = describe(find_bundle(path))
    assert facts["confirmed_by"].startswith(f"{beside / 'computer.json'} + ")
    shutil.rmtree(beside)
    with pytest.raises(BundleError, match=r"second/computer\.json is not there; copy it with the model"):
        word_of(path)
    assert wake_words([Wanted(find_bundle(path), NONE)])


def test_one_that_cannot_run_or_has_changed_leaves_the_model_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = find_bundle(path)
    bundle.manifest["kws"]["confirmation"]["models"][2] = "0"
    assert default_second(bundle) is None
    monkeypatch.setattr("kws.cascade.find_spec", lambda _: None)
    assert default_second(find_bundle(path)) is None


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda chosen: chosen.pop("weights"), "weights is None"),
        (lambda chosen: chosen["weights"].pop("model"), "weights.model is None; it must be above 0"),
        (lambda chosen: chosen["weights"].update(recognizer=-1), "weights.recognizer is -1"),
        (lambda chosen: chosen["weights"].update(recognizer="1"), "weights.recognizer is '1'"),
        (lambda chosen: chosen.update(model=""), "default.model is ''"),
        (lambda chosen: chosen.pop("spellings"), "default.spellings is missing"),
    ],
)
def test_a_damaged_manifest_is_told_of(
    damage: Callable[[dict[str, Any]], object], named: str, tmp_path: Path
) -> None:
    path = fused(tmp_path)
    manifest = json.loads(path.read_text("utf-8"))
    damage(manifest["kws"]["confirmation"]["default"])
    path.write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(BundleError, match=named):
        word_of(path)
