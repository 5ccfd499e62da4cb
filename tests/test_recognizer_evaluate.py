"""A recognizer's errors by speaker, with intervals, and beside another's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from click.testing import CliRunner

pytestmark = pytest.mark.tensorflow
pytest.importorskip("tensorflow")
pytest.importorskip("jiwer")

from kws.evaluation.transcripts import WordErrors  # noqa: E402
from training.recognizer import evaluate, material, publish  # noqa: E402

TAKES = SimpleNamespace(phones=["HH AY", "OW", "N OW"], texts=["hi", "oh", "no"])
SPEAKERS = ("ann", "bob", "ann")
READINGS = {
    "good": {"phones": ["HH AY", "AW", "N OW"], "characters": ["hi", "ow", "no"]},
    "bad": {"phones": ["HH", "AW", "N"], "characters": ["h", "ow", "n o"]},
}


@pytest.fixture
def _two_recognizers(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = lambda name: SimpleNamespace(name=name, encoder="micro")  # noqa: E731
    monkeypatch.setattr(evaluate, "find_recognizer", bundle)
    monkeypatch.setattr(publish, "bundle_readings", lambda bundle, takes: READINGS[bundle.name])
    monkeypatch.setattr(material, "dev_sets", lambda cache, **how: {"words": TAKES})
    monkeypatch.setattr(material, "dev_speakers", lambda most: {"words": SPEAKERS})


@pytest.mark.usefixtures("_two_recognizers")
def test_phones_characters_and_words_are_counted_by_speaker() -> None:
    counted = evaluate.bundle_errors(evaluate.find_recognizer("bad"), TAKES, SPEAKERS)
    assert counted == {
        "phones": WordErrors("speakers", (2, 1), (4, 1)),
        "characters": WordErrors("speakers", (2, 1), (4, 2)),  # "h" and "n o": a letter less, a space more
        "words": WordErrors("speakers", (3, 1), (2, 1)),
    }


@pytest.mark.usefixtures("_two_recognizers")
def test_one_recognizer_stands_beside_another() -> None:
    done = CliRunner().invoke(evaluate.evaluate, ["good", "--beside", "bad"], catch_exceptions=False)
    head, _, row = done.output.splitlines()
    assert head.endswith("| words | phones, fewer | characters, fewer | words, fewer |")
    cells = row.strip("| ").split(" | ")
    assert cells[:2] == ["words", "2"]
    assert cells[2].startswith("20.0 (")  # one of five phones, with an interval
    assert cells[5] == "40.0 (0.0 to 50.0)"  # two of five fewer: two of ann's four, none of bob's one
    alone = CliRunner().invoke(evaluate.evaluate, ["good"], catch_exceptions=False).output
    assert "fewer" not in alone
