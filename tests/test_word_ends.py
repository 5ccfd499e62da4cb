"""Word ends: by alignment for phrases of the dictionary; streams and tapes take what is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from signals import noise, tone

from kws.evaluation.activity import speech_span
from kws.evaluation.streams import WORDS
from kws.types import SAMPLE_RATE, Samples
from training.accuracy.streams import joined_stream
from training.data.manifest import Clip
from training.material.tapes import POSITIVE, Pool, TapeConfig, make_tapes
from training.words.word_ends import Difference, phrase_spans, summary, transcript_of

Say = Callable[..., Samples]


def clip(path: Path, label: str, kind: str = "wakeword") -> Clip:
    return Clip(path, "some", "dev", kind, label, "s", 1.0, "ship")


def written(path: Path, samples: Samples) -> Path:
    soundfile.write(path, samples, SAMPLE_RATE)
    return path


@pytest.fixture
def followed(tmp_path: Path, say: Say) -> tuple[Path, float]:
    """ "computer", and after a quarter of a second louder noise that is no part of it; the word's end."""
    word = say("computer")
    word = word[: speech_span(word)[1]]
    blank = np.zeros(SAMPLE_RATE // 4, np.int16)
    samples = np.concatenate([blank, word, blank // 2, noise(3_000)[: SAMPLE_RATE // 2], blank])
    return written(tmp_path / "followed.wav", samples), (len(blank) + len(word)) / SAMPLE_RATE


@pytest.mark.debian("espeak-ng")
def test_alignment_tells_the_word_from_what_follows(followed: tuple[Path, float], tmp_path: Path) -> None:
    path, end = followed
    ((found, (_, aligned)),) = phrase_spans([clip(path, "computer")], "computer", cache=tmp_path).items()
    assert found == path
    assert aligned / SAMPLE_RATE == pytest.approx(end, abs=0.12)


@pytest.mark.debian("espeak-ng")
def test_a_phrase_is_found_in_its_sentence(tmp_path: Path, say: Say) -> None:
    path = written(tmp_path / "s.wav", say("please tell the computer to stop the music now"))
    sentence = clip(path, "please tell the computer to stop the music now", "sentence")
    (span,) = phrase_spans([sentence], "the computer", cache=tmp_path, workers=1).values()
    whole = speech_span(say("please tell the computer to stop the music now"))
    assert whole[0] < span[0] < span[1] < whole[1]
    alone = np.diff(speech_span(say("the computer")))[0]
    assert np.diff(span)[0] == pytest.approx(alone, rel=0.35)


def test_words_of_no_dictionary_and_what_does_not_fit_are_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "short.wav", tone(300)[:1_000])
    assert phrase_spans([clip(path, "computer")], "computer", cache=tmp_path, workers=1) == {}
    assert phrase_spans([clip(path, "blimpora")], "blimpora", cache=tmp_path) == {}


@pytest.mark.parametrize(
    ("label", "kind", "phrase", "said"),
    [
        ("heycomputer", "wakeword", "computer", "hey computer"),
        ("HeyComputer", "wakeword", "hey computer", "hey computer"),
        ("Hey computer", "wakeword", "computer", "hey computer"),
        ("the computer says", "sentence", "computer", "the computer says"),
    ],
)
def test_labels_without_spaces_are_told_apart(label: str, kind: str, phrase: str, said: str) -> None:
    assert transcript_of(clip(Path("x"), label, kind), phrase) == said


def test_a_known_place_goes_before_the_energy(tmp_path: Path) -> None:
    path = written(tmp_path / "tone.wav", tone(300))
    layout = joined_stream([clip(path, "computer")], WORDS, word="computer").layout
    known = {path: (4_000, 12_000)}
    (word,) = joined_stream([clip(path, "computer")], WORDS, word="computer", spans=known).layout.occurrences
    start = layout.segments[0].start
    assert (word.start - start, word.end - start) == pytest.approx((0.25, 0.75))
    assert layout.occurrences[0].end - start > 2.9


def test_tapes_hold_the_word_alone_and_mark_its_end(tmp_path: Path) -> None:
    """A low tone is the word; the louder high one after it is not, though energy would take both."""
    sound = np.concatenate([tone(300, 4_000)[: SAMPLE_RATE // 2], tone(3_000, 20_000)[:SAMPLE_RATE]])
    path = written(tmp_path / "both.wav", sound)
    quiet = TapeConfig(seconds=6, word_share=1, noise_share=0, room_share=0, speed=(1, 1), level=(-20, -20))
    pool = Pool((((path,), 1.0),), (sound,), (noise(30),), {path: (0, SAMPLE_RATE // 2)})
    tapes = make_tapes(pool, 2, quiet, seed=3, workers=1)
    begins = np.argwhere(np.diff((tapes.marks == POSITIVE).astype(int), axis=1) == 1)
    assert len(begins) >= 4
    low, high = tapes.rows[:, :, 2:6].max(axis=2).astype(int), tapes.rows[:, :, 28:34].max(axis=2).astype(int)
    for lane, row in begins:
        before = slice(max(0, row - 30), row - 2)
        assert low[lane, before].max() > high[lane, before].max()


def test_the_summary_counts_ends_that_lie_apart() -> None:
    spans = [(0, 16_000), (0, 12_000), (0, 20_000), None]
    found = [Difference(clip(Path("x"), "w"), span, (0, 16_000)) for span in spans]
    assert summary(found).startswith(
        "4 clips, 1 not aligned; the aligned end is more than 100 ms earlier in 1, later in 1; "
    )
    assert summary(found[-1:]) == "1 clips, none aligned"
