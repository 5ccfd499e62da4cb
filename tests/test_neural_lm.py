"""The recurrent language model: what it may see, what it learns, and the same in the runtime."""

from __future__ import annotations

import math
from pathlib import Path

import keras
import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
tf = pytest.importorskip("tensorflow")

import training.neural_lm.learn  # noqa: E402
from kws.errors import BundleError, KwsError  # noqa: E402
from kws.recognition.bundle import RecognizerBundle, read_recognizer, write_recognizer  # noqa: E402
from kws.recognition.neural_lm import (  # noqa: E402
    END,
    SPECIAL,
    UNKNOWN,
    WRITABLE,
    NeuralLanguageModel,
    numbered,
)
from kws.recognition.ngram import ArpaModel  # noqa: E402
from kws.recognition.rescorers import rescorer_of  # noqa: E402
from kws.recognition.tokens import PHONES  # noqa: E402
from training.neural_lm.__main__ import parted, unheard  # noqa: E402
from training.neural_lm.export import exported, write  # noqa: E402
from training.neural_lm.learn import (  # noqa: E402
    PATIENCE,
    batches,
    held_nats,
    mean_nats,
    ngram_log_prob,
    perplexity,
    teach,
    vocabulary,
)
from training.neural_lm.network import WordNetwork  # noqa: E402

TEXTS = ["turn the lights on", "turn the lights off", "turn the radio on", "stop the radio"] * 8
WORDS = vocabulary(TEXTS, 100)
HEARD = np.zeros((0, len(PHONES)), np.float32)


def rows(*texts: str, length: int = 8) -> tf.Tensor:
    index = {word: number for number, word in enumerate(WORDS)}
    return tf.constant(numbered(texts, index, len(texts), length))


@pytest.fixture(scope="module")
def network() -> WordNetwork:
    """It has learnt TEXTS."""
    keras.utils.set_random_seed(1)
    made = WordNetwork(len(WORDS), width=16)
    said: list[str] = []
    teach(made, TEXTS, WORDS, turns=80, learning_rate=1e-2, say=said.append)
    assert len(said) == 80
    return made


def test_words_are_numbered_by_how_frequent_they_are() -> None:
    assert WORDS[:3] == [*SPECIAL, "the"]
    assert vocabulary(TEXTS, 4) == WORDS[:4]
    index = {word: number for number, word in enumerate(WORDS)}
    the, turn = index["the"], index["turn"]
    assert numbered(["turn the moon", ""], index, 3, 5).tolist() == [
        [END, turn, the, UNKNOWN, END],
        [END] * 5,
        [END] * 5,
    ]


def test_no_word_sees_those_after_it(network: WordNetwork) -> None:
    first = network.logits(rows("turn the lights on"))
    second = network.logits(rows("turn the radio off"))
    np.testing.assert_allclose(first[0, :3], second[0, :3], atol=1e-5)
    assert np.abs(first[0, 3] - second[0, 3]).max() > 1e-3


def test_probabilities_of_all_that_may_follow_sum_to_one(network: WordNetwork) -> None:
    """Over every text of two words, and shorter ones."""
    words = WORDS[1:]
    texts = ["", *words, *(f"{one} {other}" for one in words for other in words)]
    short = np.exp(network.score(rows(*texts, length=6)))
    longer = 1 - short.sum()
    two = network.logits(rows(*(t for t in texts if len(t.split()) == 2), length=6))
    assert 0 < longer < 1
    np.testing.assert_allclose(tf.reduce_sum(tf.nn.softmax(two), axis=-1), 1, atol=1e-5)


def test_it_learns_what_is_said(network: WordNetwork) -> None:
    likely, odd = network.score(rows("turn the lights on", "on lights the turn")).numpy()
    assert likely > odd + 5
    known = perplexity(network.score(rows(*TEXTS[:4])).numpy().tolist(), TEXTS[:4])
    assert known < 2.5 < len(WORDS)
    assert known == pytest.approx(math.exp(float(mean_nats(network, rows(*TEXTS[:4])))), rel=1e-4)


def test_batches_hold_everything_once() -> None:
    made = list(
        batches(["a", "b c", *["d " * 30] * 70], ["</s>", "<unk>", *"abcd"], np.random.default_rng(0))
    )
    assert sum(len(batch) for batch in made) == 72
    assert {batch.shape[1] for batch in made} == {12, 48}


def test_it_ends_once_what_is_held_back_gets_no_likelier_and_keeps_the_best_weights() -> None:
    """What is held back is said backwards: the better the texts are known, the less likely it is."""
    keras.utils.set_random_seed(1)
    made, said = WordNetwork(len(WORDS), width=8), []
    held = [" ".join(reversed(text.split())) for text in TEXTS[:4]]
    teach(made, TEXTS, WORDS, held=held, turns=100, learning_rate=3e-2, say=said.append)
    costs = [float(line.split("held back ")[1].split(",")[0]) for line in said]
    assert len(costs) == costs.index(min(costs)) + 1 + PATIENCE < 100
    assert held_nats(made, held, WORDS) == pytest.approx(min(costs), abs=1e-3)


def test_it_learns_texts_of_every_length_in_batches_of_any_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training.neural_lm.learn, "LENGTHS", (4, 6, 8))
    monkeypatch.setattr(training.neural_lm.learn, "BATCH", 2)
    keras.utils.set_random_seed(1)
    made, texts = WordNetwork(len(WORDS), width=4), ["stop", *["turn it on"] * 3, *["turn the lights on"] * 5]
    before = held_nats(made, texts, WORDS)
    teach(made, texts, WORDS, turns=10, learning_rate=1e-2, say=list)
    assert held_nats(made, texts, WORDS) < before - 0.2


def test_what_is_held_back_is_not_learnt() -> None:
    texts = [f"turn the light {number} on" for number in range(40)] * 2 + ["stop"]
    learnt, held = parted(texts)
    assert len(held) == 2
    assert sorted([*learnt, *held, *held]) == sorted(texts)
    assert not set(learnt) & set(held)


def test_sentences_of_dev_speakers_are_not_learnt() -> None:
    texts = ["stop", "it was said before", "it was not", "turn left"]
    assert unheard(texts, ["it was said before", "stop", "turn left"]) == ["stop", "it was not", "turn left"]


def test_words_are_in_the_file_once() -> None:
    """Though they go in and come out."""
    made, bytes_of_words = WordNetwork(3000, width=32), 3000 * 32
    assert bytes_of_words < len(exported(made, texts=1, longest=8)) < 1.6 * bytes_of_words


def test_an_ngram_model_is_measured_alike() -> None:
    model = ArpaModel(1, {("a",): -1.0, ("</s>",): -0.5}, {})
    assert ngram_log_prob(model, "a a") == pytest.approx(-2.5)
    assert perplexity([-2.5], ["a a"]) == pytest.approx(math.exp(2.5 / 3))


def recognizer(folder: Path) -> RecognizerBundle:
    tokens = {"phones": (0, len(PHONES))}
    card = {"neural_lm": {"weight": 0.5}}
    return read_recognizer(
        write_recognizer(folder, "tiny", b"x", language="en", tokens=tokens, flush_rows=0, card=card)
    )


def test_the_runtime_computes_the_same(network: WordNetwork, tmp_path: Path) -> None:
    path = write(tmp_path, "tiny", network, WORDS)
    model = NeuralLanguageModel(path, weight=0.5)
    texts = ["turn the lights on", "stop", "on moon", "", "turn the radio", "stop the radio", "off"]
    exact = network.score(rows(*texts, length=48)).numpy()
    exact[2] -= math.log(WRITABLE - len(WORDS))  # "moon" is one of those that are not in the list
    np.testing.assert_allclose(model.log_probs(texts), exact, atol=0.15)
    np.testing.assert_allclose(model.scores(HEARD, texts), 0.5 * np.array(model.log_probs(texts)))
    bundle = recognizer(tmp_path)
    named = rescorer_of(bundle, ["neural-lm", "neural-lm"])  # named twice counts once
    usual = rescorer_of(bundle, [], free=True)
    for rescorer in (named, usual):
        assert rescorer is not None
        np.testing.assert_allclose(rescorer.scores(HEARD, texts), model.scores(HEARD, texts))
    assert rescorer_of(bundle, []) is None  # a grammar
    assert rescorer_of(bundle, ["none"], free=True) is None


def test_what_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    bundle = recognizer(tmp_path)
    assert rescorer_of(bundle, [], free=True) is None
    with pytest.raises(BundleError, match=r"no neural language model; train one with python -m"):
        rescorer_of(bundle, ["neural-lm"])
    with pytest.raises(KwsError, match="no such rescorer; there are second-pass, neural-lm, none"):
        rescorer_of(bundle, ["oracle"])
    (tmp_path / "tiny.neural-lm.txt").write_text("a\nb\n")
    (tmp_path / "tiny.neural-lm.tflite").write_bytes(b"")
    with pytest.raises(BundleError, match="expected"):
        rescorer_of(bundle, ["neural-lm"])
