"""The sweep over settings of free text, on made-up sound and a language model of five words."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("pocketsphinx")

from spoken import saying
from test_speech_commands import Says, english  # noqa: F401 the fixture

import training.understanding.free_text_sweep
from kws.evaluation.transcripts import WordErrors
from kws.recognition.bundle import find_recognizer
from kws.recognition.free_text import BY_PHONES, FreeTextConfig
from kws.recognition.packaged_trigram import PackagedTrigram
from kws.recognition.prefix_beam import PrefixBeamConfig
from kws.recognition.text_scorer import Fusion
from training.data.manifest import Clip
from training.understanding.free_text_sweep import BIGRAM, HEAD, SETTINGS, LanguageModels, main, swept

ARPA = "\\data\\\nngram 1=5\n\n\\1-grams:\n-1 </s>\n-1 stop\n-1 the\n-1 four\n-9 for\n\n\\end\\\n"
CLIP = Clip(Path("a.opus"), "libri-test-clean", "dev", "sentence", "STOP the four", "ann", 3.0, "test")


@pytest.fixture
def model(english: str, monkeypatch: pytest.MonkeyPatch) -> str:  # noqa: F811
    monkeypatch.setattr(training.understanding.free_text_sweep, "AcousticModel", Says)
    with gzip.open(find_recognizer(english).manifest_path.with_suffix(".arpa.gz"), "wt") as file:
        file.write(ARPA)
    return english


def test_each_setting_gets_its_errors_and_cost(model: str) -> None:
    heard = [(CLIP, saying("stop the four"))]
    dear = FreeTextConfig(Fusion(0.9, -500.0), 0.0, PrefixBeamConfig(8))  # no word is worth that
    right, none = swept(find_recognizer(model), heard, [(BIGRAM, BY_PHONES), (BIGRAM, dear)])
    assert right.errors == WordErrors("clips", (0,), (3,))
    assert none.errors == WordErrors("clips", (3,), (3,))
    assert right.cost > 0
    assert str(right).startswith(
        "| bigram | 96, merged | 6, 4 | 0.9 | -0.5 | 0.6 | 0.0 % (0.0 to 0.0), 0 of 3 words"
    )
    assert str(right).count("|") == HEAD.splitlines()[0].count("|") == HEAD.splitlines()[1].count("|")


def test_trigrams_have_as_many_words_as_the_setting_says(model: str) -> None:
    models = LanguageModels(find_recognizer(model))
    assert "four" in models.of(BIGRAM).words
    assert models.of(BIGRAM) is models.of(BIGRAM)
    assert len(models.of(30).words) == 30


def test_what_was_kept_is_among_the_settings() -> None:
    assert SETTINGS[-1] == (len(PackagedTrigram().words), BY_PHONES)
    assert len(set(SETTINGS)) == len(SETTINGS)


def test_the_command_draws_sentences(model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(training.understanding.free_text_sweep, "read_manifest", lambda path: [CLIP] * 3)
    monkeypatch.setattr(
        training.understanding.free_text_sweep,
        "hear",
        lambda bundle, clips, cache: [(c, saying("stop")) for c in clips],
    )
    monkeypatch.setattr(
        training.understanding.free_text_sweep.swept, "__defaults__", ([(BIGRAM, BY_PHONES)],)
    )
    ran = CliRunner().invoke(main, [model, "--sentences", "2", "--cache", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    assert "4 of 6 words" in ran.output.splitlines()[-1]
