"""How far free text can be trusted: by hand, in a card, and fitted on texts whose truth is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from spoken import saying

from kws.errors import BundleError
from kws.evaluation.transcripts import right_words
from kws.recognition.bundle import find_recognizer, read_recognizer
from kws.recognition.free_text import free_decoder
from kws.recognition.logistic import fitted_weights, logistic
from kws.recognition.priors import decoding_of
from kws.recognition.text_confidence import (
    CERTAIN,
    AsFound,
    Curve,
    TextConfidence,
    WordFeatures,
    WrittenWord,
    text_features,
    word_features,
)
from kws.recognition.tokens import CHARACTERS, PHONES
from training.understanding.text_confidence_fit import Written, fitted, held_out

JUDGE = TextConfidence(
    word=Curve((0.4, 0.5, 0.0), -0.2), partial=Curve((1.0, 0.1), 1.2), text=Curve((1.5, 0.5, 1.0), -1.0)
)


def word(text: str, start: float, sounded: float = -0.1) -> WrittenWord:
    return WrittenWord(text, start, start + 0.4, sounded, 3)


HE_CAME = (word("he", 0.0), word("came", 0.5, -0.7))


def test_a_word_is_doubted_by_texts_that_have_not_got_it_there():
    others = [
        (-1.0, (word("he", 0.0), word("game", 0.5))),
        (-2.0, (word("he", 0.1), word("gave", 0.5), word("came", 2.0))),
    ]
    he, came = word_features(HE_CAME, others)
    assert he.agreed == pytest.approx(CERTAIN)
    assert came.agreed == pytest.approx(-math.log(math.exp(-1) + math.exp(-2)))
    assert (came.sounded, came.length) == (-0.7, math.log(3))
    assert word_features((), others) == []


def test_a_text_is_its_share_and_its_words():
    features = text_features(0.5, [0.8, 0.5])
    assert features == pytest.approx((math.log(0.5), math.log(0.4), math.log(2)))
    assert all(map(math.isfinite, text_features(0.0, [0.0])))


def test_curves_make_probabilities_of_them():
    he, came = JUDGE.of_words(HE_CAME, [(-1.0, ())])
    assert he == pytest.approx(logistic(0.4 * 1.0 + 0.5 * -0.1 - 0.2))
    assert came == pytest.approx(logistic(0.4 * 1.0 + 0.5 * -0.7 - 0.2))
    assert JUDGE.of_partial(HE_CAME)[1] == pytest.approx(logistic(-0.7 + 0.1 * math.log(3) + 1.2))
    assert Curve((1.0,), 0.0).of([-1e9]) > 0


@pytest.mark.parametrize("shares", [(1.0,), (0.6, 0.3, 0.1), (0.05, 0.05, 0.9)])
def test_all_texts_together_are_no_more_than_certain(shares):
    sure, texts = JUDGE.of_text(shares, [0.9, 0.9])
    assert texts[0] == sure
    assert sum(texts) <= 1 + 1e-9
    assert all(0 <= one <= 1 for one in texts)


def test_what_was_not_fitted_says_what_was_found():
    assert AsFound().of_words(HE_CAME, [(-1.0, ())]) == pytest.approx([math.exp(-0.1), math.exp(-0.7)])
    assert AsFound().of_text((0.6, 0.4), (0.5, 0.7)) == (pytest.approx(0.36), [0.6, 0.4])


def test_a_card_keeps_the_curves(tmp_path: Path):
    assert TextConfidence.from_dict(json.loads(json.dumps(JUDGE.as_dict()))) == JUDGE
    known = {"decoding": {"text_confidence": JUDGE.as_dict()}}
    assert decoding_of(known, PHONES).text == JUDGE
    assert isinstance(decoding_of({}, PHONES).text, AsFound)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"word": {"agreed": 1.0}}, "text_confidence.partial"),
        ({**JUDGE.as_dict(), "eyes": {}}, "text_confidence.eyes is unknown"),
        ({**JUDGE.as_dict(), "text": {"share": "high"}}, "text_confidence.text."),
        (
            {**JUDGE.as_dict(), "partial": {**JUDGE.as_dict()["word"]}},
            "text_confidence.partial.agreed is unknown",
        ),
    ],
)
def test_a_card_with_other_curves_is_refused(tmp_path: Path, change: dict, named: str):
    english = find_recognizer("english").manifest_path
    content = json.loads(english.read_text())
    content["kws"]["card"]["decoding"]["text_confidence"] = change
    (tmp_path / "english.tflite").symlink_to(english.with_suffix(".tflite"))
    (tmp_path / "english.json").write_text(json.dumps(content))
    with pytest.raises(BundleError, match=named):
        read_recognizer(tmp_path / "english.json")


def test_free_text_is_judged_by_the_card_and_its_parts_are_not():
    bundle = find_recognizer("english")
    bundle = replace(bundle, card={**bundle.card, "decoding": {"text_confidence": JUDGE.as_dict()}})
    sounds = saying("he came home")
    said = {}
    for name, how in {"fitted": {}, "part": {"around": ((), ())}, "found": {"judge": AsFound()}}.items():
        decoder = free_decoder(bundle, PHONES, 0.04, **how)
        decoder.push(sounds)
        (said[name],) = decoder.flush()
    assert said["fitted"].text == said["found"].text == "he came home"
    assert said["part"] == said["found"]
    assert said["fitted"].confidence == said["fitted"].nbest[0].confidence
    assert said["fitted"].confidence != said["found"].confidence
    letters = free_decoder(bundle, CHARACTERS, 0.04)
    assert isinstance(letters._judge, AsFound)


def test_right_words_are_those_that_were_said():
    assert right_words("he came home late", "he game home so late") == [True, False, True, False, True]
    assert right_words("he", "") == []


def made_up(rng: np.random.Generator, speaker: int) -> Written:
    """A text whose words are right as often as JUDGE says."""
    words = [
        WordFeatures(rng.uniform(-2, CERTAIN), rng.uniform(-2, 0), math.log(rng.integers(1, 8)))
        for _ in range(rng.integers(1, 9))
    ]
    sure = [JUDGE.word.of(features) for features in words]
    right = [rng.random() < one for one in sure]
    share = rng.uniform(0.1, 1)
    text = rng.random() < JUDGE.text.of(text_features(share, sure))
    return Written(str(speaker), words, right, share, bool(text))


def test_a_fit_finds_the_curves_again():
    rng = np.random.default_rng(5)
    written = [made_up(rng, number % 20) for number in range(3000)]
    found = fitted(written)
    assert found.word.weights == pytest.approx(JUDGE.word.weights, abs=0.1)
    assert found.word.offset == pytest.approx(JUDGE.word.offset, abs=0.15)
    assert found.text.weights == pytest.approx(JUDGE.text.weights, abs=0.3)
    lines = list(held_out(written))
    assert [line.split(" of other")[0] for line in lines] == ["words", "words of partials", "texts"]
    assert all(float(line.split("error ")[1].split()[0]) < 0.04 for line in lines)


def test_weights_need_both_right_and_wrong():
    with pytest.raises(ValueError, match="right and examples that are wrong"):
        fitted_weights([(1.0,), (2.0,)], [True, True])
