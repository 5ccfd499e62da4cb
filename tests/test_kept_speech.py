"""Speech that is kept: the same again without a synthesizer, bounded, whole whoever else writes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from signals import noise

import training.synth
from kws.types import Samples
from training.synth import Voice, synthesize
from training.synth.kept import KeptSpeech

TEXTS = ["one", "two", "three"] * 4


class Speaker:
    """A voice that counts how often it speaks: noise that depends on what is asked of it."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, text: str, speed: float, pitch: float) -> tuple[Samples, int]:
        self.calls += 1
        if text == "two":
            return np.empty(0, np.int16), 22_050
        return noise(8_000, sum(map(ord, text)) + int(1000 * speed))[:20_000], 22_050


@pytest.fixture
def speaker(monkeypatch: pytest.MonkeyPatch) -> Speaker:
    said = Speaker()
    voices = [Voice("espeak:some", said, "free", version="1")]
    monkeypatch.setattr(training.synth, "available_voices", lambda **_: voices)
    return said


def spoken(cache: Path | None) -> list[bytes]:
    return [clip.tobytes() for clip in synthesize(TEXTS, np.random.default_rng(3), cache=cache)]


def test_what_was_said_once_needs_no_voice_again(speaker: Speaker, tmp_path: Path) -> None:
    plain = spoken(None)
    first = spoken(tmp_path)
    assert speaker.calls == 2 * len(TEXTS)
    assert spoken(tmp_path) == first == plain
    assert speaker.calls == 2 * len(TEXTS)  # silence is remembered as well
    assert len(plain) == 8


def test_another_version_of_a_voice_speaks_anew(
    speaker: Speaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken(tmp_path)
    newer = [Voice("espeak:some", speaker, "free", version="2")]
    monkeypatch.setattr(training.synth, "available_voices", lambda **_: newer)
    spoken(tmp_path)
    assert speaker.calls == 2 * len(TEXTS)


def test_what_was_used_the_longest_ago_goes_first(tmp_path: Path) -> None:
    kept = KeptSpeech(tmp_path, bound=100_000)
    places = [kept.place(number) for number in range(6)]
    for age, place in enumerate(places):
        kept.write(place, noise(8_000, age)[:16_000])
        os.utime(place, (1_000 + age, 1_000 + age))
    size = places[0].stat().st_size
    assert kept.read(places[0]) is not None  # used now
    kept.trim()
    there = [place.is_file() for place in places]
    assert there[0]
    assert not there[1]
    assert sum(there) == 100_000 // size
    assert there[1:] == sorted(there[1:])


@pytest.mark.parametrize("damage", [b"", b"fLaC", b"no sound at all"])
def test_a_damaged_file_is_spoken_again_or_silent(damage: bytes, speaker: Speaker, tmp_path: Path) -> None:
    first = spoken(tmp_path)
    for path in tmp_path.glob("speech/*/*.flac"):
        if path.stat().st_size:
            path.write_bytes(damage or path.read_bytes()[:40])
    assert spoken(tmp_path) == first


def test_many_writers_leave_whole_files_alone(tmp_path: Path) -> None:
    kept = KeptSpeech(tmp_path)
    samples, place = noise(8_000, 1)[:16_000], kept.place("same")

    def write_and_read(_: int) -> bool:
        kept.write(place, samples)
        kept.trim()
        return np.array_equal(kept.read(place), samples)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(write_and_read, range(60)))
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_folder_that_cannot_be_written_costs_only_the_keeping(speaker: Speaker, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert spoken(blocked) == spoken(None)
