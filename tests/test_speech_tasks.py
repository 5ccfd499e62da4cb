"""The measuring of a recognizer's tasks, on clips whose log-probabilities are made up."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from spoken import random_steps, saying
from test_speech_commands import Says, english  # noqa: F401 the fixture

import training.understanding.decoding_fit
import training.understanding.dev_speech
import training.understanding.speech_tasks
from kws.evaluation.intervals import Proportion, Rate
from kws.evaluation.transcripts import WordErrors
from kws.recognition.bundle import find_recognizer
from kws.recognition.priors import decoding_of
from kws.recognition.tokens import BLANK, CHARACTERS, PHONES
from training.data.manifest import Clip
from training.understanding.decoding_fit import fitted, write_decoding
from training.understanding.dev_speech import dev_sets, drawn, hear
from training.understanding.speech_tasks import measured, speech_tasks


def clip(label: str, corpus: str = "gsc-test-v0.02", kind: str = "word", split: str = "dev") -> Clip:
    return Clip(Path(f"{label}.opus"), corpus, split, kind, label, "", 2.0, "test")


ORDER = '{"coffeeDrink": "latte", "size": "large", "milkAmount": " soy milk"}'
CLIPS = [
    (clip("stop"), "stop"),
    (clip("go"), "no"),
    (clip("bird"), "bird"),
    (clip("", kind="noise"), ""),
    (clip("three", "fsdd"), "three"),
    (clip("ONE NINE", "speechocean762", "sentence"), "one nine"),
    (clip("THE STREET IS LONG", "speechocean762", "sentence"), "the street is long"),
    (clip("he came home", "libri-test-clean", "sentence"), "he came home"),
    (clip(ORDER, "picovoice-coffee", "speech-slots"), "can i have a large latte with soy milk please"),
    (clip("stop", split="train"), "stop"),
]


@pytest.fixture
def heard() -> dict[str, list]:
    said = {found.label: text for found, text in CLIPS}
    sets = dev_sets([found for found, _ in CLIPS])
    return {name: [(c, saying(said[c.label])) for c in clips] for name, clips in sets.items()}


def test_the_dev_clips_are_sorted_by_what_they_are_for():
    sets = {name: [found.label for found in clips] for name, clips in dev_sets(c for c, _ in CLIPS).items()}
    assert sets == {
        "commands": ["stop", "go"],
        "others": ["bird"],
        "silence": [""],
        "digit": ["three"],
        "digits": ["ONE NINE"],
        "ocean": ["THE STREET IS LONG"],
        "libri": ["he came home"],
        "coffee": [ORDER],
    }
    assert drawn([clip(str(n)) for n in range(9)], 3) == [clip("0"), clip("4"), clip("8")]


def test_figures_by_hand(heard, monkeypatch, english):  # noqa: F811
    monkeypatch.setattr(training.understanding.speech_tasks, "AcousticModel", Says)
    figures = measured(find_recognizer(english), heard)
    assert figures["commands right"] == Proportion(1, 2)
    assert figures["commands, other words accepted"] == Proportion(0, 1)
    assert figures["commands, silences accepted"] == Proportion(0, 1)
    assert figures["single digits, word error rate"] == WordErrors("clips", (0,), (1,))
    assert figures["digit strings, word error rate"] == WordErrors("clips", (0,), (2,))
    assert figures["coffee, all slots right"] == figures["coffee accepted"] == Proportion(1, 1)
    assert figures["libri, word error rate"] == WordErrors("clips", (0,), (3,))
    assert figures["ocean, word error rate"] == WordErrors("clips", (0,), (4,))
    assert figures["coffee false accepts an hour"] == Rate(0, 4 / 3600)
    assert figures["commands beam, CPU s a second"] > 0


def test_a_task_is_measured_by_itself(heard, monkeypatch, english):  # noqa: F811
    monkeypatch.setattr(training.understanding.speech_tasks, "AcousticModel", Says)
    bundle = find_recognizer(english)
    figures = measured(bundle, heard, ["digits"])
    assert {name.split()[0] for name in figures} == {"single", "digit", "digits"}
    assert figures["digits false accepts an hour"] == Rate(0, 4 / 3600)
    assert "libri, word error rate" in measured(bundle, {**heard, "commands": []}, ["free"])


def test_words_are_counted_by_speaker_where_there_are_ten(heard, monkeypatch, english):  # noqa: F811
    monkeypatch.setattr(training.understanding.speech_tasks, "AcousticModel", Says)
    ((said, sound),) = heard["libri"]
    heard["libri"] = [(replace(said, speaker=str(number % 10)), sound) for number in range(20)]
    errors = measured(find_recognizer(english), heard)["libri, word error rate"]
    assert errors == WordErrors("speakers", (0,) * 10, (6,) * 10)


def test_priors_and_confidence_are_fitted_and_written_into_the_card(heard, monkeypatch, english):  # noqa: F811
    monkeypatch.setattr(training.understanding.decoding_fit, "AcousticModel", Says)
    bundle = find_recognizer(english)
    said: list[str] = []
    decoding = fitted(bundle, heard, say=said.append)
    assert len(said) == 27
    assert said[0].startswith("commands at 0.00: of what is right 100")
    write_decoding(bundle, decoding)
    known = decoding_of(find_recognizer(english).card, PHONES)
    assert known.calibration.mean + known.calibration.worst > 0
    assert known.calibration.threshold == decoding["confidence"]["threshold"] > 0
    assert BLANK in np.argsort(-known.priors.nats)[:4]
    scaled = known.priors.scaled(saying("stop"))
    np.testing.assert_allclose(np.exp(scaled).sum(axis=1), 1, rtol=1e-5)
    assert (scaled[:, BLANK] < saying("stop")[:, BLANK]).all()
    assert decoding_of({}, PHONES).priors.nats[BLANK] > 0


def test_letters_are_fitted_where_they_are_heard(heard, monkeypatch, english):  # noqa: F811
    """Letters that say at random: their priors are known, and the phones' as without them."""
    monkeypatch.setattr(training.understanding.decoding_fit, "AcousticModel", Says)
    bundle = find_recognizer(english)
    alone = fitted(bundle, heard)
    both = {
        name: [(c, np.hstack([sound, random_steps(1, len(sound), len(CHARACTERS))])) for c, sound in some]
        for name, some in heard.items()
    }
    priors = fitted(bundle, both)["log_priors"]
    assert priors["phones"] == alone["log_priors"]["phones"]
    assert list(alone["log_priors"]) == ["phones"]
    assert np.exp(priors["characters"]).sum() == pytest.approx(1, abs=0.02)
    assert alone["confidence"]["letters"] == 0


def test_the_command_hears_once_and_keeps_what_it_heard(monkeypatch, english, tmp_path):  # noqa: F811
    monkeypatch.setattr(training.understanding.speech_tasks, "AcousticModel", Says)
    monkeypatch.setattr(training.understanding.dev_speech, "AcousticModel", Says)
    monkeypatch.setattr(training.understanding.speech_tasks, "read_manifest", lambda path: [clip("stop")])
    monkeypatch.setattr(
        training.understanding.dev_speech, "read_samples", lambda path: np.zeros(80_000, np.int16)
    )
    arguments = [english, "--cache", str(tmp_path), "--json"]
    first = CliRunner().invoke(speech_tasks, arguments)
    assert json.loads(first.output)["commands right"]["count"] == 0
    monkeypatch.setattr(training.understanding.dev_speech, "read_samples", None)
    assert CliRunner().invoke(speech_tasks, arguments).exit_code == 0
    assert len(hear(find_recognizer(english), [clip("stop")], tmp_path / "heard-commands.npz")) == 1
