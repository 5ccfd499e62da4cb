"""What the matcher hears and what is said in it: rows, words and phrases with their times."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matching import FIRST, ROWS, STEP, babble, second, spoken_word, stream_of

pytest.importorskip("pocketsphinx")

from kws.frontends import LOWER_LAYERS, SPEECH_EMBEDDING, row_format
from kws.recognition.acoustic import SETTLING_SECONDS
from kws.recognition.tokens import PHONES
from kws.types import SAMPLE_RATE, Samples
from training.data.manifest import Clip
from training.matcher import hearing, material
from training.matcher.hearing import COLUMNS, EMBEDDED, paired
from training.matcher.material import hear, joined, pieces_of
from training.matcher.phrases import phrases_of
from training.material.embedded import StreamConfig


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_steps_of_the_recognizer_go_with_the_row_that_they_end_with() -> None:
    lower, embedded = row_format(LOWER_LAYERS), row_format(SPEECH_EMBEDDING)
    quiet = round(SETTLING_SECONDS * SAMPLE_RATE)
    done = next(n for n in itertools.count() if lower.rows_end(n + 1) > quiet)
    last = done + hearing._EARLY + hearing.STEPS
    assert lower.rows_end(last) - quiet == embedded.rows_end(1)
    steps = np.repeat(-0.1 * np.arange(8, dtype=np.float32)[:, None], len(PHONES), axis=1)
    rows = paired(np.full((4, EMBEDDED), 7, np.int8), steps)
    assert rows.shape == (3, COLUMNS)
    assert rows[0, EMBEDDED:].tolist() == [-2] * 40 + [-3] * 40  # -0.1 and -0.2 nats by 15
    assert (rows[:, :EMBEDDED] == 7).all()


def test_a_row_at_a_phones_end_has_heard_all_of_it() -> None:
    heard = stream_of([[["K", "AA"], ["S", "IY", "D"]]], rng())
    assert heard.ends == pytest.approx([32, 34, 36, 38, 40])
    assert heard.starts == pytest.approx([30, 34])
    assert round(second(34) * SAMPLE_RATE) == FIRST + 34 * STEP == row_format(SPEECH_EMBEDDING).rows_end(35)


def test_streams_are_joined_with_their_times() -> None:
    one, two = (stream_of(babble(5, rng(n)), rng(n)) for n in (1, 2))
    both = joined([one, two])
    later = len(one.phones)
    assert both.ends[later:] == pytest.approx(two.ends + len(one.rows))
    assert both.begins.tolist() == [0, len(one.rows)]
    assert both.words.tolist() == [*one.words[:-1], *(two.words + later)]
    assert len(set(both.piece)) == len(set(one.piece)) + len(set(two.piece))
    for n, (first, stop) in enumerate(itertools.pairwise(both.words)):
        assert both.starts[n] == pytest.approx(both.ends[first] - ROWS)
        assert (np.diff(both.ends[first:stop]) == ROWS).all()


def test_a_recording_in_pieces_keeps_its_words_and_their_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material, "PIECES_SHARE", 1.0)
    words = [spoken_word(["K", "AA", "S"], 10 + 8 * n) for n in range(7)]
    samples = np.zeros(round(second(80) * SAMPLE_RATE), np.int16)
    for word in words:
        samples[round(word.start * SAMPLE_RATE) : round(word.end * SAMPLE_RATE)] = 1000
    found = list(pieces_of(samples, words, rng()))
    assert len(found) > 2
    assert [word.word for _, said in found for word in said] == [word.word for word in words]
    for audio, said in found:
        for word in said:
            at = [round(t * SAMPLE_RATE) for t in (word.start - 0.01, word.start + 0.02, word.end + 0.01)]
            assert [int(audio[place]) for place in at] == [0, 1000, 0]
    monkeypatch.setattr(material, "PIECES_SHARE", 0.0)
    assert [len(said) for _, said in pieces_of(samples, words, rng())] == [7]


def test_phrases_are_words_that_follow_one_another() -> None:
    heard = stream_of([[["K", "AA"], ["S", "IY", "D"]], [["M", "EH", "B"]], [["D"]]], rng(), pause=40)
    found = phrases_of(heard)
    said = [PHONES.decode(tuple(text[text > 0].tolist())) for text in found.texts]
    assert said == ["M EH B", "K AA S IY D"]  # K AA and D are too short, S IY D is not a recording's whole
    assert found.last.tolist() == [86, 40]
    assert found.clip.tolist() == [1, 0]
    assert found.chance.sum() == pytest.approx(1)
    split = stream_of([[["K", "AA"]], [["S", "IY", "D"]]], rng(), pause=6)
    assert [len(text[text > 0]) for text in phrases_of(split).texts] == [3]


class Loudness:
    """Ears that hear where it is loud, row by row."""

    def __init__(self) -> None:
        self._heard: list[Samples] = []

    def hear(self, samples: Samples) -> None:
        self._heard.append(samples)

    def rows(self) -> np.ndarray:
        audio = np.abs(np.concatenate(self._heard).astype(np.int32))
        ends = range(FIRST, len(audio) + 1, STEP)
        loud = np.array([audio[max(0, end - STEP) : end].max() > 500 for end in ends], np.int8)
        return np.repeat(loud[:, None], COLUMNS, axis=1)


def test_words_are_heard_when_they_are_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = StreamConfig((0.2, 0.9), (-20.0, -20.0), 0.0, 0.0, floor_level=(-98.0, -98.0))
    for name, value in {"Ears": Loudness, "CLOSE": plain, "APART": plain, "PARTS": 3}.items():
        monkeypatch.setattr(material, name, value)
    words = [spoken_word(["K", "AA", "S"], 10 + 12 * n) for n in range(5)]
    audio = np.zeros(round(second(80) * SAMPLE_RATE), np.int16)
    for word in words:
        audio[round(word.start * SAMPLE_RATE) : round(word.end * SAMPLE_RATE)] = 3000
    clips = [Clip(tmp_path / f"{n}.wav", "c", "train", "sentence", "a", "s", 7.0, "ship") for n in range(9)]
    for clip in clips:
        soundfile.write(clip.path, audio, SAMPLE_RATE)
    found = [words] * 3 + [[]] + [words] * 5  # one does not fit its transcript
    monkeypatch.setattr(material, "_aligned", lambda _, clip: found[clips.index(clip)])
    heard = hear(clips, [], seed=1, cache=tmp_path, workers=1)
    assert len(heard.starts) == 40
    assert sorted(set(heard.clip.tolist())) == [0, 1, 2, 4, 5, 6, 7, 8]
    assert len(set(heard.piece.tolist())) > 8  # some of them in pieces
    loud = heard.rows[:, 0] > 0
    for start, stop in zip(heard.starts, heard.ends[heard.words[1:] - 1], strict=True):
        assert loud[int(np.ceil(start)) + 1 : int(stop) + 1].all()
        assert not loud[int(start) - 1]
        assert not loud[int(np.ceil(stop)) + 1]
    assert loud.sum() < 40 * (3 * ROWS + 2)
    monkeypatch.setattr(material, "Ears", lambda: pytest.fail("heard again"))
    assert (hear(clips, [], seed=1, cache=tmp_path, workers=1).rows == heard.rows).all()
