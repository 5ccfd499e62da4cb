"""The n-best of dev recordings, and what a rescorer makes of it."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pocketsphinx")

from spoken import saying
from test_speech_commands import Says, english  # noqa: F401 the fixture

import training.understanding.nbest
from kws.evaluation.transcripts import WordErrors
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.free_text import free_decoder
from kws.recognition.tokens import PHONES, LogProbs
from training.data.manifest import Clip
from training.second_pass.measure import WEIGHTS, by_others, judged, report
from training.understanding.nbest import NBest, nbest_of

ARPA = "\\data\\\nngram 1=4\n\n\\1-grams:\n-1 </s>\n-1 stop\n-1 four\n-1 the\n\n\\end\\\n"


def clip(label: str, speaker: str = "ann") -> Clip:
    return Clip(Path(f"{label} {speaker}.opus"), "fsdd", "dev", "word", label, speaker, 1.0, "test")


@pytest.fixture
def bundle(english: str, monkeypatch: pytest.MonkeyPatch) -> RecognizerBundle:  # noqa: F811
    """With a language model of three words."""
    monkeypatch.setattr(training.understanding.nbest, "AcousticModel", Says)
    found = find_recognizer(english)
    with gzip.open(found.manifest_path.with_suffix(".arpa.gz"), "wt") as file:
        file.write(ARPA)
    return found


def test_texts_come_once_each_the_best_first(bundle: RecognizerBundle, tmp_path: Path) -> None:
    heard = [(clip(word), saying(word, sure=0.4)) for word in ("the", "stop")]
    decoder = free_decoder(bundle, PHONES, Says.step_seconds)
    decoder.push(heard[0][1])
    ways = [decoder.text(found) for found in decoder.hypotheses()]
    assert len(set(ways)) < len(ways)  # the word has two pronunciations
    for grammar in (None, "digits"):
        first, second = nbest_of(bundle, heard, grammar, tmp_path / "nbest.json")
        assert (first.clip.label, second.clip.label) == ("the", "stop")
        assert len(first.texts) == len(set(first.texts)) > 1
        assert list(first.scores) == sorted(first.scores, reverse=True)
        assert set(first.texts) == set(ways) or grammar
        np.testing.assert_array_equal(first.heard, heard[0][1])


def test_what_was_found_is_kept_until_the_search_is_another(
    bundle: RecognizerBundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = [(clip("four"), saying("four"))]
    (made,) = nbest_of(bundle, heard, "digits", tmp_path / "nbest.json")
    monkeypatch.setattr(training.understanding.nbest, "GrammarDecoder", None)
    (kept,) = nbest_of(bundle, heard, "digits", tmp_path / "nbest.json")
    assert (kept.texts, kept.scores) == (made.texts, made.scores)
    with pytest.raises(TypeError):
        nbest_of(bundle, heard, "commands", tmp_path / "nbest.json")


def test_every_speaker_gets_the_weight_of_the_others() -> None:
    """The second weight is best for the first speaker alone, the third for the two others."""
    words = (10, 10, 10)
    by_weight = [WordErrors("speakers", errors, words) for errors in ((5, 5, 5), (0, 5, 5), (5, 2, 2))]
    after = by_others(by_weight)
    assert after == WordErrors("speakers", (5, 5, 5), words)
    assert by_others([by_weight[0], by_weight[2]]).errors == (5, 2, 2)
    assert by_others([by_weight[0], by_weight[0]]) == by_weight[0]


class Prefers:
    """A rescorer that gives one text some nats, and none of those of a long utterance."""

    def __init__(self, text: str, nats: float) -> None:
        self.text, self.nats = text, nats

    def scores(self, heard: LogProbs, texts: Sequence[str]) -> list[float]:
        return [self.nats * (text == self.text and len(heard) < 100) for text in texts]


def test_the_report_has_errors_by_weight_and_what_the_others_weight_gains() -> None:
    """The second text is right, 1 nat behind; the rescorer says so of all but a long clip. 0.4 is enough."""
    speakers = [f"speaker {number}" for number in range(10)]
    lengths = [5] * 9 + [200]
    found = [
        NBest(clip("four", speaker), np.zeros((length, 40), np.float32), ("stop", "four"), (-1.0, -2.0))
        for speaker, length in zip(speakers, lengths, strict=True)
    ]
    silent = NBest(clip("four", speakers[0]), np.zeros((5, 40), np.float32), (), ())
    measured = judged("four", Prefers("four", 2.5), [*found, silent])
    assert measured.unjudged == 1
    assert [sum(errors.errors) for errors in measured.by_weight] == [11 if w < 0.4 else 2 for w in WEIGHTS]
    assert sum(measured.oracle.errors) == 1
    rows = report([measured]).splitlines()
    assert rows[0].count("|") == rows[1].count("|") == rows[2].count("|")
    assert rows[2].startswith("| four | 11 | 1 | 100.0 | 100.0 |")
    assert "2 of 11 words, 10 speakers" in rows[-1]
    assert rows[-1].split("| ")[-1].startswith("81.8 % ")
