"""Trained heads beside the peers: what is said of them is what kws itself makes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import heads
from benchmarks.variants import why_missing
from kws.bundle import find_bundle, write_bundle
from kws.cascade import HEADS
from kws.errors import BundleError
from kws.frontends import SPEECH_EMBEDDING
from kws.fusion import Fusion
from kws.recognition.bundle import find_recognizer
from training.accuracy.confirmation import confirmation


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the ladder would leave "computer"; empty."""
    monkeypatch.setattr(heads, "_TRAINED", tmp_path)
    folder = heads.head_of("computer").parent
    folder.mkdir()
    return folder


def bundled_head(folder: Path, **ours: object) -> Path:
    """The bundled head of "computer", with other entries under `kws`."""
    head = find_bundle(HEADS / "computer.json")
    manifest = {**head.manifest, "kws": {**head.manifest["kws"], **ours}}
    return write_bundle(
        folder, "computer", head.model_path.read_bytes(), manifest, front_end=SPEECH_EMBEDDING
    )


def test_heads_that_nobody_has_trained_are_told_how_to_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(heads, "_TRAINED", tmp_path)
    for word in ("computer", "alexa"):
        heads.head_of(word).parent.mkdir()
        heads.head_of(word).touch()
    assert why_missing(heads.HEADS) == "not trained; python -m training.ladder jarvis --rung packed"


def test_a_second_stage_of_another_model_is_told(folder: Path) -> None:
    bundled_head(folder)
    assert heads.second_of_heads() == "another model of the word"


def test_a_second_stage_of_two_members_is_told(folder: Path) -> None:
    head = find_bundle(HEADS / "computer.json")
    both = Fusion((find_bundle("computer"), find_recognizer("english")), (0.5, 0.75))
    table = confirmation(str(head.model_sha256), both, (0.2, 0.4), [(1, 2)], [])
    bundled_head(folder, confirmation=table)
    assert heads.second_of_heads() == "another model of the word and the recognizer"


def test_a_second_stage_that_was_measured_with_another_model_counts_for_none(folder: Path) -> None:
    table = find_bundle(HEADS / "computer.json").manifest["kws"]["confirmation"]
    bundled_head(folder, confirmation={**table, "models": ["another", "pair"]})
    assert heads.second_of_heads() == "none"


def test_a_damaged_table_is_told_as_kws_tells_it(folder: Path) -> None:
    path = bundled_head(folder)
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["kws"]["confirmation"]["default"]["model"] = 7
    path.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(BundleError, match=r"kws.confirmation: default.model is 7"):
        heads.second_of_heads()
