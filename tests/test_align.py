"""Forced alignment: words found where they were put, phones within their word, misfits refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from kws.evaluation.activity import speech_span
from kws.types import SAMPLE_RATE, Samples
from training.data.manifest import Clip
from training.words.align import Aligner, AlignmentError, align_file
from training.words.lexicon import pronunciations

Say = Callable[..., Samples]
_PAUSE = np.zeros(SAMPLE_RATE // 2, np.int16)
_NEAR_SECONDS = 0.12
"""How far an aligned edge may lie from where the energy starts or ends."""


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner()


@pytest.mark.debian("espeak-ng")
def test_words_are_found_where_they_were_put(aligner: Aligner, say: Say) -> None:
    words = ["kitchen", "seven", "window"]
    speech, spans = _joined([say(word) for word in words])
    found = aligner.align(speech, " ".join(words))
    assert [word.word for word in found] == words
    for word, (start, end) in zip(found, spans, strict=True):
        assert abs(word.start - start) < _NEAR_SECONDS
        assert abs(word.end - end) < _NEAR_SECONDS


@pytest.mark.debian("espeak-ng")
def test_phones_fill_their_word_in_order(aligner: Aligner, say: Say) -> None:
    (word,) = aligner.align(_joined([say("marvin")])[0], "Marvin")
    assert tuple(phone.phone for phone in word.phones) in pronunciations("marvin")
    edges = [edge for phone in word.phones for edge in (phone.start, phone.end)]
    assert edges == sorted(edges)
    assert (edges[0], edges[-1]) == (word.start, word.end)


@pytest.mark.debian("espeak-ng")
def test_a_word_that_no_dictionary_knows_is_read_by_rule(aligner: Aligner, say: Say) -> None:
    (word,) = aligner.align(_joined([say("blimpora")])[0], "blimpora")
    assert word.word == "blimpora"
    assert len(word.phones) >= 6


@pytest.mark.debian("espeak-ng")
def test_what_was_aligned_before_changes_nothing(say: Say) -> None:
    words = ["computer", "seven", "window", "marvin", "kitchen", "yellow"]
    rng = np.random.default_rng(3)
    clips = [_joined([say(word)])[0] for word in words]
    noisy = [np.clip(clip + rng.normal(scale=600, size=len(clip)), -32768, 32767) for clip in clips]
    tasks = [*zip(noisy, words, strict=True)]
    one, other = Aligner(), Aligner()
    forth = [one.align(samples.astype(np.int16), word) for samples, word in tasks]
    back = [other.align(samples.astype(np.int16), word) for samples, word in reversed(tasks)]
    assert forth == back[::-1]


@pytest.mark.recordings
def test_real_sentences_fit_their_transcripts(aligner: Aligner, clips: list[Clip], tmp_path: Path) -> None:
    sentences = [c for c in clips if c.corpus == "libri-train-clean-5" and c.kind == "sentence"][:6]
    assert sentences
    for clip in sentences:
        found = align_file(clip.path, clip.label, tmp_path, aligner)
        assert [word.word for word in found] == clip.label.lower().split()
        assert found == align_file(clip.path, clip.label, tmp_path, aligner)  # from the cache
    assert len(list(tmp_path.glob("align-*.json"))) == len(sentences)


@pytest.mark.parametrize("transcript", ["", "10 green bottles"])
def test_transcripts_that_cannot_be_said_are_refused(aligner: Aligner, transcript: str) -> None:
    with pytest.raises(AlignmentError, match=r"no words|write them as they are said"):
        aligner.align(_PAUSE, transcript)


def test_a_clip_too_short_is_refused_by_its_name(aligner: Aligner, tmp_path: Path) -> None:
    path = tmp_path / "blip.wav"
    soundfile.write(path, np.zeros(800, np.int16), SAMPLE_RATE)
    with pytest.raises(AlignmentError, match=r"blip\.wav: 0\.05 s are too short"):
        align_file(path, "computer", tmp_path, aligner)


def _joined(clips: list[Samples]) -> tuple[Samples, list[tuple[float, float]]]:
    """The clips with pauses around them, and where the speech of each lies, in seconds."""
    parts: list[Samples] = [_PAUSE]
    spans: list[tuple[float, float]] = []
    for clip in clips:
        offset = sum(map(len, parts))
        start, end = speech_span(clip)
        spans.append(((offset + start) / SAMPLE_RATE, (offset + end) / SAMPLE_RATE))
        parts += [clip, _PAUSE]
    return np.concatenate(parts), spans
