"""`kws doctor`: each ailment is named when it is there, and only then."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from signals import clipped, noise, tone

import kws
from kws import cli
from kws.assembly import build_engine
from kws.bundle import MODELS
from kws.commands.doctor import _devices, _tried
from kws.config import read_config
from kws.config_keys import AudioSettings
from kws.errors import SourceError
from kws.examination import (
    _rate,
    examine_audio,
    examine_models,
    examine_ports,
    examine_resources,
    examine_speed,
    judge,
)
from kws.sources.devices import Device
from kws.types import SAMPLE_RATE, Samples

ROOM = noise(100)
"""A quiet room through a decent microphone, at -50 dB."""
TIME = np.arange(len(ROOM)) / SAMPLE_RATE


def complaints(samples: Samples) -> list[str]:
    """The first word of each finding that is not good."""
    return [finding.text.split(":")[0] for finding in judge(samples) if finding.state != "good"]


def test_a_good_microphone_has_no_complaints() -> None:
    assert complaints(ROOM) == []


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (tone(440, amplitude=200_000), ["clipping", "noise floor"]),
        (clipped(ROOM + 1_000.0), ["constant voltage"]),
        (noise(2_000), ["noise floor"]),
        (noise(2), ["noise floor"]),
        (clipped(ROOM + 200 * sum(np.sin(2 * np.pi * 50 * n * TIME) / n for n in (1, 2, 3))), ["hum"]),
        (clipped(ROOM + 200 * sum(np.sin(2 * np.pi * 60 * n * TIME) / n for n in (1, 2, 3))), ["hum"]),
        (np.zeros(SAMPLE_RATE, np.int16), ["audio"]),
        (np.zeros(0, np.int16), ["audio"]),
    ],
)
def test_each_ailment_is_named(samples: Samples, expected: list[str]) -> None:
    assert complaints(samples) == expected


def test_speech_in_a_quiet_room_is_no_noise() -> None:
    speech = ROOM.copy()
    speech[SAMPLE_RATE : 2 * SAMPLE_RATE] = tone(300, amplitude=8_000)[:SAMPLE_RATE]
    assert complaints(speech) == []


def test_every_complaint_says_what_to_do() -> None:
    for samples in (tone(440, amplitude=200_000), clipped(ROOM + 1_000.0), noise(2), ROOM[:0], 0 * ROOM):
        for finding in judge(samples):
            assert finding.state == "good" or any(sign in finding.text for sign in ";?")


def test_it_listens_to_the_source_of_the_configuration(tmp_path: Path) -> None:
    path = tmp_path / "room.wav"
    soundfile.write(path, np.repeat(ROOM, 3), 3 * SAMPLE_RATE)
    findings = examine_audio(AudioSettings(source=str(path)), seconds=2)
    assert [finding.state for finding in findings] == ["good"] * 5


def test_a_sound_card_that_is_slower_or_faster_than_it_says_is_named() -> None:
    lengths = [640] * 101
    for seconds, states in ((4.0, ["good"]), (4.36, ["bad"]), (3.7, ["bad"]), (0.5, [])):
        arrived = list(np.linspace(10, 10 + seconds, len(lengths)))
        assert [finding.state for finding in _rate(lengths, arrived)] == states
    assert list(_rate([], [])) == []


def test_the_level_is_told_on_average_and_at_most() -> None:
    speech = ROOM.copy()
    speech[:SAMPLE_RATE] = tone(440, amplitude=16_384)[:SAMPLE_RATE]
    (level,) = (finding.text for finding in judge(speech) if finding.text.startswith("level"))
    assert level.endswith("at most -9 dB")


@pytest.mark.parametrize("asked", ["", "/no/such/delegate.so"])
def test_each_model_is_named_with_what_computes_it(asked: str) -> None:
    models = [
        {"name": "computer", "delegate": asked, "confirm": "none"},
        {"name": "jarvis", "confirm": "none"},
    ]
    config = read_config({"model": models}, "test")
    first, second = examine_models(config, build_engine(config))
    assert first.state == ("bad" if asked else "good")
    assert first.text.startswith("model computer: loads, threshold ")
    assert asked in first.text
    assert second.text.endswith("computed by the processor; no delegate is configured")


def test_who_must_agree_with_a_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    config = read_config({"model": [{"name": "computer"}]}, "test")
    stage, model = examine_models(config, build_engine(config))
    assert (stage.state, model.state) == ("good", "good")
    device = MODELS / "computer.json"
    assert stage.text.startswith(f"model computer: {device} must hear it as well, with a score of 0.")
    monkeypatch.setattr("kws.cascade.find_spec", lambda name: None)
    stage, model = examine_models(config, build_engine(config))
    assert (stage.state, model.state) == ("doubtful", "good")
    assert "pip install 'kws[encoder]'" in stage.text


def test_a_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = read_config(
            {"http": {"address": f"127.0.0.1:{port}"}, "wyoming": {"uri": f"tcp://127.0.0.1:{port}"}}, "x"
        )
        assert [finding.state for finding in examine_ports(config)] == ["bad", "bad"]
    assert [finding.state for finding in examine_ports(config)] == ["good", "good"]
    nowhere = read_config({"http": {"address": ""}}, "x")
    assert list(examine_ports(nowhere)) == []


def test_a_slow_computer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = kws.load("computer")
    assert examine_speed(engine).state == "good"
    ticks = iter([0.0, 4.0])
    monkeypatch.setattr("kws.examination.time.process_time", lambda: next(ticks))
    finding = examine_speed(engine)
    assert (finding.state, "80.00%" in finding.text) == ("bad", True)


def test_load_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.getloadavg", lambda: (99.0, 0.0, 0.0))
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert [finding.state for finding in examine_resources()] == ["doubtful"]


def test_the_command_goes_on_after_each_failure(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kws.sources.microphone.list_devices", list)
    config = tmp_path / "kws.toml"
    audio = f'[audio]\nsource = "{tmp_path}/missing.wav"\n[http]\naddress = ""\n'
    config.write_text(audio + '[[model]]\nname = "/no/such/model"\n')
    assert cli.main(["doctor", "--config", str(config)]) == 1
    lines = capsys.readouterr().out.splitlines()
    bad = [line for line in lines if line.startswith("!!")]
    words = ("/no/such/model", "missing.wav")
    assert [word for word, line in zip(words, bad, strict=True) if word not in line] == []


def no_devices() -> list[Device]:
    return []


def no_driver() -> list[Device]:
    raise SourceError("microphones: PortAudio is not there; install libportaudio2")


@pytest.mark.parametrize("listed", [no_devices, no_driver])
def test_without_a_microphone_all_may_be_good_where_none_is_listened_to(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    listed: Callable[[], list[Device]],
) -> None:
    monkeypatch.setattr("kws.sources.microphone.list_devices", listed)
    soundfile.write(tmp_path / "room.wav", ROOM, SAMPLE_RATE)
    config = tmp_path / "kws.toml"
    config.write_text(f'[audio]\nsource = "{tmp_path}/room.wav"\n[http]\naddress = ""\n')
    assert cli.main(["doctor", "--config", str(config)]) == 0
    assert "!!" not in capsys.readouterr().out


@pytest.mark.parametrize("listed", [no_devices, no_driver])
def test_without_a_microphone_to_listen_to_something_is_wrong(
    monkeypatch: pytest.MonkeyPatch, listed: Callable[[], list[Device]]
) -> None:
    monkeypatch.setattr("kws.sources.microphone.list_devices", listed)
    (finding,) = _tried(lambda: list(_devices(needed=True)))
    assert finding.state == "bad"


def test_standard_input_on_which_nothing_comes_is_not_waited_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kws.sources.microphone.list_devices", no_devices)
    config = tmp_path / "kws.toml"
    config.write_text('[audio]\nsource = "-"\n[http]\naddress = ""\n')
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as program, os.fdopen(reading) as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert cli.main(["doctor", "--config", str(config), "--seconds", "0.5"]) == 0
        assert "??  audio: comes on standard input, where nothing came" in capsys.readouterr().out
        program.write(np.asarray(ROOM, "<i2").tobytes()[:32_000])
        program.flush()
        assert cli.main(["doctor", "--config", str(config), "--seconds", "0.5"]) == 0
        assert "ok  noise floor: " in capsys.readouterr().out


def test_a_wrong_configuration_is_a_finding(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kws.commands.doctor.examine_audio", lambda settings, seconds: [])
    assert cli.main(["doctor", "--config", str(tmp_path / "none.toml")]) == 1
    assert "!!  configuration: " in capsys.readouterr().out
