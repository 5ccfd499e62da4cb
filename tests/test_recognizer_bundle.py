"""A recognizer's manifest: what it must hold, and one clear line for whatever is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kws.bundle import bundled_names, find_bundle
from kws.errors import BundleError
from kws.manifest import is_recognizer
from kws.recognition.bundle import (
    bundled_recognizers,
    find_recognizer,
    read_recognizer,
    write_recognizer,
)
from kws.recognition.confidence import Calibration
from kws.recognition.priors import decoding_of
from kws.recognition.tokens import PHONES

TOKENS = {"phones": (0, 40), "characters": (40, 29)}


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    return write_recognizer(
        tmp_path, "mine", b"no model", language="en", tokens=TOKENS, flush_rows=24, card={"seed": 1}
    )


def test_what_is_written_is_read(manifest: Path) -> None:
    for place in (manifest, manifest.parent, manifest.with_suffix(".tflite")):
        bundle = find_recognizer(place)
        assert (bundle.name, bundle.language, bundle.flush_rows) == ("mine", "en", 24)
        assert bundle.tokens == TOKENS
        assert bundle.card == {"seed": 1}


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("type", "micro", 'expected "recognizer"'),
        ("version", 2, "version 2"),
        ("language", "", "language"),
        ("model", 3, "model"),
        ("kws", [], "kws is []"),
        ("kws.frontend", "feed", "train the model again"),
        ("kws.tokens", {}, "kws.tokens"),
        ("kws.tokens", {"phones": [0, 39]}, "kws.tokens.phones"),
        ("kws.tokens", {"phones": [True, 40]}, "kws.tokens.phones"),
        ("kws.flush_rows", -1, "kws.flush_rows"),
        ("kws.model_sha256", None, "kws.model_sha256"),
        ("kws.card", {"decoding": []}, "kws.card.decoding is []"),
        ("kws.card", {"decoding": {"confidence": 1}}, "kws.card.decoding.confidence is 1"),
        ("kws.card", {"decoding": {"confidence": {"rival": "1"}}}, "decoding.confidence.rival is '1'"),
        (
            "kws.card",
            {"decoding": {"confidence": {"eyes": 1.0}}},
            "decoding.confidence.eyes is unknown; update",
        ),
    ],
)
def test_mistakes_are_named(manifest: Path, key: str, value: object, named: str) -> None:
    content = json.loads(manifest.read_text())
    table, _, last = key.rpartition(".")
    (content[table] if table else content)[last] = value
    manifest.write_text(json.dumps(content))
    with pytest.raises(BundleError) as caught:
        read_recognizer(manifest)
    assert named in str(caught.value)
    assert str(manifest) in str(caught.value)


def test_a_confidence_that_was_fitted_without_letters_hears_none(manifest: Path) -> None:
    content = json.loads(manifest.read_text())
    content["kws"]["card"]["decoding"] = {"confidence": {"mean": 0.5, "rival": 1.0, "offset": 4.0}}
    manifest.write_text(json.dumps(content))
    known = decoding_of(read_recognizer(manifest).card, PHONES).calibration
    assert known == Calibration(mean=0.5, rival=1.0, offset=4.0)
    assert known.letters == 0
    assert decoding_of(find_recognizer("english").card, PHONES).calibration.letters > 0


def test_another_model_under_its_name_is_refused(manifest: Path) -> None:
    manifest.with_suffix(".tflite").write_bytes(b"another")
    with pytest.raises(BundleError, match="SHA-256"):
        read_recognizer(manifest).open_model()


def test_a_model_that_is_none_is_refused(manifest: Path) -> None:
    with pytest.raises(BundleError, match="LiteRT cannot load it"):
        read_recognizer(manifest).open_model()


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no such recognizer"):
        find_recognizer(tmp_path / "nothing.json")
    with pytest.raises(BundleError, match="holds 0 recognizers"):
        find_recognizer(tmp_path)


def test_wake_words_and_recognizers_are_told_apart(manifest: Path) -> None:
    assert is_recognizer(manifest)
    assert not set(bundled_names()) & set(bundled_recognizers())
    with pytest.raises(BundleError, match="type 'recognizer'"):
        find_bundle(manifest)
