"""Synthetic voices: those installed speak faster and higher when told; the others are met as stand-ins."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import training.synth
from kws.errors import KwsError
from kws.types import Samples
from training.synth import (
    BACKENDS,
    Voice,
    available_voices,
    espeak,
    festival,
    flite,
    mbrola,
    pico,
    piper,
    synthesize,
)
from training.synth.program import spoken

TEXT = "good morning everybody"

STAND_IN = """#!{python}
import json, pathlib, sys, wave
arguments = sys.argv[1:]
pathlib.Path({log!r}).write_text(json.dumps([arguments, sys.stdin.read()]))
path = next(a for a in arguments if a.endswith("speech.wav"))
with wave.open(path, "wb") as out:
    out.setparams((1, 2, 22050, 0, "NONE", ""))
    out.writeframes(b"\\1\\0" * 4410)
"""

Asked = Callable[[], tuple[list[str], str]]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Asked]:
    """stand_in(name, ...): these alone are installed, and write 0.2 s; returns what the last was asked."""

    def install(*names: str) -> Asked:
        import sys

        log = tmp_path / "asked.json"
        for name in names:
            program = tmp_path / "bin" / name
            program.parent.mkdir(exist_ok=True)
            program.write_text(STAND_IN.format(python=sys.executable, log=str(log)))
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        return lambda: tuple(json.loads(log.read_text()))  # type: ignore[return-value]

    return install


def period(samples: Samples, rate: int) -> float:
    """Median fundamental period in seconds, by autocorrelation of 40 ms frames that are loud and periodic."""
    frame, found = rate // 25, []
    lowest, highest = rate // 400, rate // 60
    loud = np.abs(samples).max() / 8
    for start in range(0, len(samples) - 2 * frame, frame // 2):
        x = samples[start : start + 2 * frame].astype(float)
        if np.abs(x).max() < loud:
            continue
        r = np.array([x[:frame] @ x[lag : lag + frame] for lag in range(lowest, highest)])
        if r.max() > 0.6 * (x[:frame] @ x[:frame]):
            found.append((lowest + int(np.argmax(r))) / rate)
    return float(np.median(found))


@pytest.mark.parametrize(
    ("module", "name", "has_pitch"),
    [
        pytest.param(espeak, "espeak:en-us+m1", True, marks=pytest.mark.debian("espeak-ng")),
        pytest.param(flite, "flite:kal16", True, marks=pytest.mark.debian("flite")),
        pytest.param(festival, "festival:kal_diphone", True, marks=pytest.mark.debian("festival")),
    ],
)
def test_speed_and_pitch_are_factors(module: object, name: str, has_pitch: bool) -> None:
    (voice,) = [voice for voice in module.voices() if voice.name == name]  # type: ignore[attr-defined]
    plain, rate = voice.speak(TEXT, 1.0, 1.0)
    fast, _ = voice.speak(TEXT, 1.3, 1.0)
    high, _ = voice.speak(TEXT, 1.0, 1.3)
    assert len(fast) < 0.9 * len(plain)
    assert period(high, rate) < 0.92 * period(plain, rate)


@pytest.mark.debian("flite")
def test_voices_of_flite_keep_their_own_pitch() -> None:
    """slt is a woman, kal16 a man: her fundamental is more than half as high again."""
    slt, kal = (next(v for v in flite.voices() if v.name == name) for name in ("flite:slt", "flite:kal16"))
    assert 1.5 * period(*slt.speak(TEXT, 1.0, 1.0)) < period(*kal.speak(TEXT, 1.0, 1.0))


@pytest.mark.debian("espeak-ng")
def test_voices_of_one_back_end_differ() -> None:
    spoken_by = [voice.speak("yes", 1.0, 1.0)[0].tobytes() for voice in espeak.voices()[:6]]
    assert len(set(spoken_by)) == 6


@pytest.mark.debian("espeak-ng", "flite", "festival")
def test_every_voice_knows_its_version() -> None:
    assert [voice.name for voice in available_voices(shippable_only=False) if not voice.version] == []


def test_nothing_installed_is_one_line(stand_in: Callable[..., Asked]) -> None:
    stand_in()
    assert [module.voices() for module in (espeak, flite, festival, mbrola, pico, piper)] == [[]] * 6
    with pytest.raises(KwsError, match="install espeak-ng"):
        available_voices()


@pytest.fixture
def databases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("us1", "de4"):
        (tmp_path / "mbrola" / name).mkdir(parents=True)
        (tmp_path / "mbrola" / name / name).touch()
    monkeypatch.setattr(mbrola, "DATABASES", (tmp_path / "mbrola",))


@pytest.mark.usefixtures("databases")
def test_mbrola_speaks_with_the_databases_there(stand_in: Callable[..., Asked]) -> None:
    asked = stand_in("espeak-ng", "mbrola")
    voices = mbrola.voices()
    assert [voice.name for voice in voices] == ["mbrola:mb-us1", "mbrola:mb-de4-en"]
    samples, rate = voices[1].speak("-5 degrees", 1.2, 3.0)
    assert (len(samples), rate) == (4410, 22050)
    arguments, _ = asked()
    assert arguments[:6] == ["-v", "mb-de4-en", "-s", "180", "-p", "99"]
    assert arguments[-2:] == ["--", "-5 degrees"]


@pytest.mark.usefixtures("databases")
def test_non_commercial_voices_speak_only_when_asked_for(stand_in: Callable[..., Asked]) -> None:
    stand_in("espeak-ng", "mbrola", "flite")
    assert {v.backend for v in available_voices()} == {"espeak", "flite"}
    assert {v.backend for v in available_voices(shippable_only=False)} == {"espeak", "flite", "mbrola"}


def test_pico_gets_marked_up_text(
    stand_in: Callable[..., Asked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = stand_in("pico2wave")
    for name in ("en-US_lh0_sg.bin", "en-US_ta.bin", "en-GB_kh0_sg.bin", "de-DE_gl0_sg.bin"):
        (tmp_path / name).touch()
    monkeypatch.setattr(pico, "LANGUAGES", tmp_path)
    voices = pico.voices()
    assert [voice.name for voice in voices] == ["pico:en-GB", "pico:en-US"]
    voices[0].speak("<on> & off", 1.1, 0.9)
    arguments, _ = asked()
    assert arguments[:2] == ["-l", "en-GB"]
    assert arguments[-1] == "<speed level='110'><pitch level='90'>&lt;on&gt; &amp; off</pitch></speed>"


def test_every_speaker_of_a_piper_voice_is_a_voice(
    stand_in: Callable[..., Asked], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = stand_in("piper")
    beside = {
        "many": '{"espeak": {"voice": "en-us"}, "num_speakers": 3}',
        "german": '{"espeak": {"voice": "de"}, "num_speakers": 1}',
        "damaged": "{",
        "list": "[]",
    }
    for name, text in beside.items():
        (tmp_path / f"{name}.onnx").touch()
        (tmp_path / f"{name}.onnx.json").write_text(text)
    (tmp_path / "alone.onnx").touch()
    monkeypatch.setenv("KWS_PIPER_VOICES", str(tmp_path))
    voices = piper.voices()
    assert [voice.name for voice in voices] == ["piper:many:0", "piper:many:1", "piper:many:2"]
    voices[2].speak("hello", 0.8, 1.0)
    arguments, text = asked()
    assert arguments[:6] == [
        "--model",
        str(tmp_path / "many.onnx"),
        "--speaker",
        "2",
        "--length_scale",
        "1.250",
    ]
    assert text == "hello"
    assert not any(voice.shippable for voice in voices)


@pytest.mark.parametrize(
    "command", ["/no/such/program", shutil.which("false") or "false", shutil.which("true") or "true"]
)
def test_a_program_that_fails_has_said_nothing(command: str) -> None:
    samples, _ = spoken(lambda path: [command])
    assert samples.shape == (0,)


def test_clips_are_at_16_khz_and_empty_ones_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def speak(text: str, speed: float, pitch: float) -> tuple[Samples, int]:
        return np.full(0 if text == "" else 44_100, 1000, np.int16), 44_100

    monkeypatch.setattr(
        training.synth, "available_voices", lambda **_: [Voice("flite:x", speak, licence="none")]
    )
    clips = synthesize(["a", "", "b"], np.random.default_rng(0))
    assert [clip.shape for clip in clips] == [(16_000,)] * 2


@pytest.mark.debian("espeak-ng")
def test_a_seed_says_the_same_again() -> None:
    first, again = (synthesize(["yes", "no"] * 4, np.random.default_rng(3)) for _ in range(2))
    assert [clip.tobytes() for clip in first] == [clip.tobytes() for clip in again]


def test_every_voice_belongs_to_a_back_end_and_states_its_licence() -> None:
    for voice in available_voices(shippable_only=False):
        assert voice.backend in BACKENDS
        assert voice.licence
