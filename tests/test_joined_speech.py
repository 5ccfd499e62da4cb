"""Speech joined from pieces: the phones asked for, from neighbours where there are any, without clicks."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from signals import tone

from kws.types import SAMPLE_RATE, Samples
from training.data.manifest import Clip
from training.material.joined_speech import SENTENCES, HalfPhone, Inventory, inventory, joined_words, speak
from training.words.lexicon import readings

PITCHES = {"A": 200, "B": 500, "C": 1_100, "D": 2_300}
LENGTH = SAMPLE_RATE // 10


@pytest.fixture
def phones(tmp_path: Path) -> Inventory:
    """Each phone is a tone of 0.1 s; the recordings are ABC, CAB and DA."""
    found: Inventory = {}
    for said in ("ABC", "CAB", "DA"):
        path = tmp_path / f"{said}.wav"
        sound = np.concatenate([tone(PITCHES[phone], 8_000)[:LENGTH] for phone in said])
        soundfile.write(path, sound, SAMPLE_RATE)
        for n, phone in enumerate(said):
            left, right = said[n - 1] if n else "", said[n + 1] if n + 1 < len(said) else ""
            start, middle = n * LENGTH, n * LENGTH + LENGTH // 2
            found.setdefault((phone, False), []).append(HalfPhone(path, start, middle, left))
            found.setdefault((phone, True), []).append(HalfPhone(path, middle, start + LENGTH, right))
    return found


def heard(samples: Samples) -> str:
    """The phone in the middle of each tenth of a second."""
    letters = []
    for n in range(round(len(samples) / LENGTH)):
        piece = samples[n * LENGTH + LENGTH // 4 : n * LENGTH + 3 * LENGTH // 4]
        peak = np.argmax(np.abs(np.fft.rfft(piece, SAMPLE_RATE)))
        letters.append(min(PITCHES, key=lambda phone: abs(PITCHES[phone] - peak)))
    return "".join(letters)


@pytest.mark.parametrize("said", ["ABC", "CA", "DAB", "BDC", "DD"])
def test_every_row_of_phones_can_be_said(said: str, phones: Inventory) -> None:
    spoken = speak(phones, tuple(said), np.random.default_rng(0))
    assert spoken is not None
    assert heard(spoken) == said
    assert len(spoken) == pytest.approx(len(said) * LENGTH, rel=0.1)
    steps = np.abs(np.diff(spoken.astype(int)))
    assert steps.max() < 1.3 * max(np.abs(np.diff(tone(PITCHES[p], 8_000).astype(int))).max() for p in said)


def test_what_was_said_in_one_piece_stays_in_one_piece(phones: Inventory) -> None:
    spoken = speak(phones, ("A", "B", "C"), np.random.default_rng(3))
    whole, _ = soundfile.read(
        next(p for (p, _), t in phones.items() if p == "A" for p in [t[0].path]), dtype="int16"
    )
    assert spoken is not None
    inner = slice(400, -400)
    assert np.array_equal(spoken[inner], whole[: len(spoken)][inner])


def test_a_phone_that_a_reader_never_said_makes_no_word(phones: Inventory) -> None:
    assert speak(phones, ("A", "X"), np.random.default_rng(0)) is None


@pytest.mark.debian("espeak-ng")
def test_a_word_joined_from_sentences_sounds_like_speech(tmp_path: Path, say: Callable[..., Samples]) -> None:
    clips = []
    texts = (
        "keep the table clean",
        "a computing machine",
        "come with me to the new beauty shop",
        "her paper went further",
    )
    for number, text in zip(range(SENTENCES), itertools.cycle(texts), strict=False):
        path = tmp_path / f"{number % len(texts)}.wav"
        if not path.is_file():
            soundfile.write(path, say(text), SAMPLE_RATE)
        clips.append(Clip(path, "some", "train", "sentence", text, "one", 2.0, "ship"))
    made = joined_words("computer", clips, 3, seed=1, cache=tmp_path)
    assert len(made) == 3
    for samples in made:
        assert 0.3 < len(samples) / SAMPLE_RATE < 1.0
        assert 10 * np.log10(np.square(samples / 32768).mean()) > -35
    assert [clip.tobytes() for clip in joined_words("computer", clips, 3, seed=1, cache=tmp_path)] == [
        clip.tobytes() for clip in made
    ]
    assert joined_words("computer", clips[:5], 3, seed=1, cache=tmp_path) == []  # too little of this reader
    assert set(inventory(tuple(clips[:4]), tmp_path)) >= {
        (p, s) for p in readings("computer")[0] for s in (False, True)
    }
