"""The confidence of free text, fitted on what a recognizer wrote of the dev recordings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from kws.evaluation.reliability import calibration_error, reliability
from kws.evaluation.transcripts import right_words
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle
from kws.recognition.logistic import fitted_weights
from kws.recognition.text_confidence import (
    LEAST,
    AsFound,
    Curve,
    Ranked,
    TextConfidence,
    WordFeatures,
    WrittenWord,
    text_features,
    word_features,
)
from training.understanding.dev_speech import FREE, Heard, said
from training.understanding.listener import free_listener

FOLDS = 5
"""Parts of the speakers, each of which is judged by curves that were fitted on the others."""


@dataclass(frozen=True)
class Written:
    """Free text of one recording, and what of it is right."""

    speaker: str
    words: Sequence[WordFeatures]
    words_right: Sequence[bool]
    share: float
    """Of the text, among those found."""
    right: bool
    """All of it."""


def fitted_text_confidence(
    bundle: RecognizerBundle, heard: dict[str, list[Heard]], say: Callable[[str], object] = lambda line: None
) -> dict[str, Any]:
    """What goes into the card as `decoding.text_confidence`; says what it is worth on other speakers."""
    step = AcousticModel(bundle, "phones").step_seconds
    written = [one for name in FREE for one in _written(bundle, step, heard[name])]
    for line in held_out(written):
        say(line)
    return {
        name: {feature: round(weight, 4) for feature, weight in curve.items()}
        for name, curve in fitted(written).as_dict().items()
    }


def fitted(written: Sequence[Written]) -> TextConfidence:
    """Curves by the texts of some speakers; ValueError unless some are right and some are wrong."""
    words = list(chain.from_iterable(one.words for one in written))
    right = list(chain.from_iterable(one.words_right for one in written))
    word = _curve(words, right)
    partial = _curve([features[1:] for features in words], right)
    texts = [text_features(one.share, map(word.of, one.words)) for one in written]
    return TextConfidence(word, partial, _curve(texts, [one.right for one in written]))


def held_out(written: Sequence[Written]) -> Iterator[str]:
    """How far confidence is from the truth, each speaker judged by curves fitted on others."""
    speakers = sorted({one.speaker for one in written})
    words: list[tuple[float, bool]] = []
    partials: list[tuple[float, bool]] = []
    texts: list[tuple[float, bool]] = []
    for fold in range(FOLDS):
        judged = set(speakers[fold::FOLDS])
        curves = fitted([one for one in written if one.speaker not in judged])
        for one in written:
            if one.speaker in judged:
                sure = [curves.word.of(features) for features in one.words]
                words += zip(sure, one.words_right, strict=True)
                alone = [curves.partial.of(features[1:]) for features in one.words]
                partials += zip(alone, one.words_right, strict=True)
                texts.append((curves.text.of(text_features(one.share, sure)), one.right))
    for name, found in (("words", words), ("words of partials", partials), ("texts", texts)):
        yield f"{name} of other speakers: calibration error {_error(found):.3f} of {len(found):,}"


def _written(bundle: RecognizerBundle, step: float, clips: Sequence[Heard]) -> Iterator[Written]:
    """Of the recordings that were one text."""
    judge = _Noting()
    listener = free_listener(bundle, step, judge)
    for clip, log_probs in clips:
        judge.asked = []
        transcripts = [one for one in listener.transcripts(log_probs) if one.text]
        if len(transcripts) == 1:
            ((words, share),) = judge.asked
            text = transcripts[0].text
            yield Written(clip.speaker, words, right_words(said(clip), text), share, text == said(clip))


@dataclass
class _Noting(AsFound):
    """A TextJudge that keeps what it is asked."""

    asked: list[tuple[list[WordFeatures], float]] = field(default_factory=list)
    """Words and share of each text."""
    _words: list[WordFeatures] = field(default_factory=list)

    def of_words(self, words: Sequence[WrittenWord], others: Ranked) -> list[float]:
        self._words = word_features(words, others)
        return super().of_words(words, others)

    def of_text(self, shares: Sequence[float], words: Sequence[float]) -> tuple[float, list[float]]:
        self.asked.append((self._words, shares[0]))
        return super().of_text(shares, words)


def _curve(features: Sequence[Sequence[float]], right: Sequence[bool]) -> Curve:
    *weights, offset = fitted_weights([[max(one, LEAST) for one in row] for row in features], right)
    return Curve(tuple(weights), offset)


def _error(judged: Sequence[tuple[float, bool]]) -> float:
    confidences, right = zip(*judged, strict=True)
    return calibration_error(reliability(confidences, right))
