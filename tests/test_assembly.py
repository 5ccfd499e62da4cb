"""What a configuration asks for is built: wake words, a command after them. The acoustic model is made up."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_speech_commands import Says
from wyoming.audio import AudioChunk, AudioStop
from wyoming.event import Event

import kws
import kws.recognition.build
from kws.assembly import build_engine, build_spotting, dictation_of, language_of, spotting_of
from kws.bundle import find_bundle, write_bundle
from kws.config import Config, read_config
from kws.config_keys import ModelSettings, SpeechSettings
from kws.confirmation_table import pair
from kws.engine import Engine
from kws.errors import BundleError, KwsError
from kws.events import Transcript
from kws.recognition.bundle import find_recognizer, write_recognizer
from kws.recognition.recognizer import AcousticStage
from kws.recognition.tokens import PHONES
from kws.selftest import RECORDINGS
from kws.servers.conversation import Conversation
from kws.servers.ears import ModelEars
from kws.session import Session
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Block, Samples

GRAMMAR = str(Path(__file__).parents[1] / "examples" / "grammars" / "home.yaml")
QUIET = np.zeros(8 * SAMPLE_RATE, np.int16)


@pytest.fixture
def speech(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SpeechSettings:
    monkeypatch.setattr(kws.recognition.build, "AcousticModel", Says)
    tokens = {"phones": (0, len(PHONES))}
    write_recognizer(tmp_path, "english", b"", language="en", tokens=tokens, flush_rows=0, card={})
    return SpeechSettings(str(tmp_path), GRAMMAR)


def test_each_model_has_its_threshold() -> None:
    alone = {"name": "jarvis", "confirm": "none"}
    config = read_config({"model": [{"name": "computer", "threshold": 0.25}, alone]}, "x")
    for engine in (build_engine(config), build_spotting(config.model)):
        first, second = engine.wake_words
        assert first.detectors[0].config.threshold == 0.25
        assert second.detectors[0].config.threshold == second.bundle.threshold


def test_without_a_recognizer_there_is_no_speech() -> None:
    assert not isinstance(build_engine(Config()), Session)
    assert dictation_of(SpeechSettings()) is None
    assert language_of(SpeechSettings()) == ""


def test_with_one_a_command_follows_the_wake_word(speech: SpeechSettings) -> None:
    engine = build_engine(Config(model=(ModelSettings("computer", 0.0),), speech=speech))
    assert isinstance(engine, Session)
    events = [
        e for start in range(0, len(QUIET), 640) for e in engine.push(Block(QUIET[start : start + 640]))
    ]
    (said,) = [event for event in events if isinstance(event, Transcript)]
    assert (said.text, said.intent, said.slots) == (
        "lights on in the kitchen",
        "TurnOn",
        {"area": "kitchen", "domain": "light"},
    )


def heard(engine: Engine, samples: Samples) -> list[kws.Event]:
    """Block by block, to the end."""
    blocks = [Block(samples[start : start + 1024]) for start in range(0, len(samples), 1024)]
    return [event for block in blocks for event in engine.push(block)] + engine.flush()


def test_engines_of_one_server_share_what_hears_again(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[AcousticStage] = []
    make = kws.recognition.build.spotting_stage

    def noted(*args: Any) -> AcousticStage:
        made.append(make(*args))
        return made[-1]

    monkeypatch.setattr(kws.recognition.build, "spotting_stage", noted)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    models = [ModelSettings(name, confirm="english") for name in kws.bundled_names()]
    samples = read_samples(RECORDINGS / "calls.flac")
    alone = heard(build_spotting(models), samples)
    new = spotting_of(lambda: models)
    made.clear()
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda engine: heard(engine, samples), [new() for _ in range(4)]))
    assert len(alone) > 1
    assert together == 4 * [alone]
    assert 1 <= len(made) <= 2


def test_what_is_wrong_with_a_second_stage_is_said_when_listening_begins(tmp_path: Path) -> None:
    """And not at the first candidate, perhaps days later. Clients that come and go do not pay for that."""
    tokens = {"phones": (0, len(PHONES))}
    ears = write_recognizer(tmp_path, "ears", b"", language="en", tokens=tokens, flush_rows=0, card={})
    bundle = find_bundle("computer")
    default = {"recognizer": str(ears), "threshold": 0.3, "least": 0.1, "spellings": ["K AH M"]}
    models = pair(bundle, find_recognizer(ears))
    ours = {**bundle.manifest["kws"], "confirmation": {"models": models, "default": default, "points": []}}
    manifest = {**bundle.manifest, "kws": ours}
    path = write_bundle(tmp_path / "word", "computer", bundle.model_path.read_bytes(), manifest)
    ears.with_suffix(".tflite").write_bytes(b"another")
    config = Config(model=(ModelSettings(str(path)),))
    with pytest.raises(BundleError, match="SHA-256 differs"):
        build_engine(config)
    assert build_spotting(config.model).wake_words[0].second_stage["confirm"] == str(ears)


def test_a_wyoming_client_is_told_what_was_said(speech: SpeechSettings) -> None:
    ears = ModelEars(spotting_of(lambda: Config().model), dictation_of(speech), language_of(speech))
    assert ears.info.asr[0].models[0].languages == ["en"]
    client = Conversation(ears)
    client.push(Event("transcribe"))
    answers = []
    for start in range(0, len(QUIET), 1024):
        pcm = QUIET[start : start + 1024].tobytes()
        answers += client.push(AudioChunk(SAMPLE_RATE, 2, 1, pcm).event())
    answers += client.push(AudioStop().event())
    chunks = "".join(answer.data["text"] for answer in answers if answer.type == "transcript-chunk")
    assert chunks == "lights on in the kitchen"
    (whole,) = [answer.data["text"] for answer in answers if answer.type == "transcript"]
    assert whole == chunks
    assert len([answer for answer in answers if answer.type == "transcript-chunk"]) > 1


def test_a_recognizer_that_is_not_there_is_said() -> None:
    with pytest.raises(KwsError, match="no such recognizer"):
        build_engine(Config(speech=SpeechSettings("/no/such/model")))
