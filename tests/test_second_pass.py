"""The second pass: what its networks may know of a text, that they learn, and the same in the runtime."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
tf = pytest.importorskip("tensorflow")
pytest.importorskip("pocketsphinx")

from spoken import saying  # noqa: E402

import training.second_pass.learn  # noqa: E402
from kws.errors import BundleError  # noqa: E402
from kws.recognition.bundle import read_recognizer, write_recognizer  # noqa: E402
from kws.recognition.second_pass import END, SecondPass, second_pass_of, written  # noqa: E402
from kws.recognition.tokens import CHARACTERS, PHONES  # noqa: E402
from training.second_pass.attention_plot import attention_svg  # noqa: E402
from training.second_pass.export import exported  # noqa: E402
from training.second_pass.learn import SIZES, Lesson, batches, mean_nats, rate_left, teach  # noqa: E402
from training.second_pass.spellers import SPELLERS, Speller  # noqa: E402

TEXTS = ("lights on", "lights off", "stop", "on", "off")
STEPS, LONGEST = 60, 16


def heard(text: str) -> np.ndarray:
    return saying(text, pause=3)


def padded(texts: tuple[str, ...], steps: int = STEPS) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Each text with its own sound."""
    sounds = [heard(text)[:steps] for text in texts]
    frames = np.zeros((len(texts), steps, len(PHONES)), np.float32)
    for row, sound in enumerate(sounds):
        frames[row, : len(sound)] = sound
    count = np.array([len(sound) for sound in sounds], np.int32)
    return tf.constant(frames), tf.constant(count), tf.constant(written(texts, len(texts), LONGEST))


@pytest.fixture(scope="module", params=sorted(SPELLERS))
def speller(request: pytest.FixtureRequest) -> Speller:
    """Small, and as it is before it has learnt anything."""
    keras.utils.set_random_seed(2)
    return SPELLERS[request.param](width=16)


def test_texts_are_written_between_ends() -> None:
    rows = written(["on", "a" * 50], 3, 6)
    on = [CHARACTERS.index[letter] for letter in "on"]
    assert rows.tolist() == [[END, *on, END, END, END], [END, *[CHARACTERS.index["a"]] * 4, END], [END] * 6]


def test_no_character_sees_those_after_it(speller: Speller) -> None:
    frames, count, texts = padded(("lights on",))
    changed = np.array(texts)
    changed[0, 5:8] = 3
    first, _ = speller.spell(frames, count, texts)
    second, _ = speller.spell(frames, count, tf.constant(changed))
    np.testing.assert_allclose(first[0, :5], second[0, :5], atol=1e-5)
    assert np.abs(first[0, 5] - second[0, 5]).max() > 1e-4


def test_what_does_not_count_is_not_heard(speller: Speller) -> None:
    frames, count, texts = padded(("on",))
    noisy = np.array(frames)
    noisy[0, int(count[0]) :] = -1.0
    score, attention = speller.score(frames, count, texts)
    other, _ = speller.score(tf.constant(noisy), count, texts)
    np.testing.assert_allclose(score, other, atol=1e-5)
    np.testing.assert_allclose(np.sum(attention, axis=-1), 1, atol=1e-5)
    assert np.abs(attention[0, :, (int(count[0]) + 1) // 2 :]).max() == 0


def test_a_texts_score_is_the_sum_over_its_characters_and_its_end(speller: Speller) -> None:
    frames, count, texts = padded(("on",))
    log_probs, _ = speller.spell(frames, count, texts)
    expected = sum(float(log_probs[0, place, int(texts[0, place + 1])]) for place in range(len("on") + 1))
    assert float(speller.score(frames, count, texts)[0][0]) == pytest.approx(expected, abs=1e-5)
    nats = mean_nats(speller, frames, count, texts)
    assert float(nats) == pytest.approx(-expected / 3, abs=1e-5)


def test_lessons_are_put_beside_those_of_their_size() -> None:
    rng = np.random.default_rng(0)
    longest = SIZES[-1][0]
    lengths = [5, 90, 150, 256, longest, longest + 1]
    lessons = [Lesson(np.zeros((length, len(PHONES)), np.float32), "on") for length in lengths]
    lessons.append(Lesson(np.zeros((5, len(PHONES)), np.float32), "o" * 200))
    made = list(batches(lessons, rng))
    assert sorted(count for _, counts, _ in made for count in counts) == [5, 90, 150, 256, longest]
    assert {frames.shape[1] for frames, _, _ in made} == {steps for steps, _ in SIZES}


def test_both_kinds_of_speller_learn_from_lessons_of_every_size(
    speller: Speller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In batches of any number, as real material has them."""
    monkeypatch.setattr(training.second_pass.learn, "SIZES", ((20, 6), (40, 12)))
    monkeypatch.setattr(training.second_pass.learn, "BATCH_STEPS", 80)
    lessons = [Lesson(heard(text), text) for text in ("lights on", *5 * ["on"])]
    said: list[str] = []
    teach(speller, lessons, lessons[:2], turns=2, say=said.append)
    assert len(said) == 2
    assert {lesson.size for lesson in lessons} == {0, 1}


def test_the_rate_of_learning_falls_towards_the_end() -> None:
    rates = [rate_left(share) for share in (0.0, 0.5, 0.6, 0.8, 0.99, 1.5)]
    assert rates == sorted(rates, reverse=True)
    assert rates[:3] == [1.0] * 3
    assert 0 < rates[-1] < 0.1 < rates[3]


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Speller]:
    """A recognizer with a second pass that has learnt five texts, on disk."""
    keras.utils.set_random_seed(3)
    speller = SPELLERS["transformer"](width=32, layers=1)
    lessons = [Lesson(heard(text), text) for text in TEXTS]
    said: list[str] = []
    teach(speller, lessons, lessons, turns=200, learning_rate=1e-2, say=said.append)
    assert said[0].startswith("1: ")
    assert said[-1].startswith("200: ")
    folder = tmp_path_factory.mktemp("taught")
    content = exported(speller, steps=STEPS, texts=3, longest=LONGEST)
    (folder / "tiny.second-pass.tflite").write_bytes(content)
    return folder, speller


def test_it_learns_which_text_was_said_and_the_runtime_computes_the_same(
    taught: tuple[Path, Speller],
) -> None:
    folder, speller = taught
    judge = SecondPass(folder / "tiny.second-pass.tflite", weight=2.0)
    for text in TEXTS:
        scores = judge.scores(heard(text), TEXTS)  # five texts, three at a time
        assert TEXTS[int(np.argmax(scores))] == text
    frames, count, texts = padded(TEXTS[:3])
    exact, _ = speller.score(frames, count, texts)
    found = [judge.scores(heard(text), [text])[0] for text in TEXTS[:3]]
    np.testing.assert_allclose(found, 2 * np.array(exact), atol=0.4)


def test_attention_can_be_looked_at(taught: tuple[Path, Speller]) -> None:
    judge = SecondPass(taught[0] / "tiny.second-pass.tflite")
    looks = judge.attention(heard("stop"), "stop")
    assert looks.shape == (len("stop") + 1, STEPS // 2)
    np.testing.assert_allclose(looks.sum(axis=1), 1, atol=1e-3)
    drawing = attention_svg(looks, "stop", place_seconds=0.06, count=len(heard("stop")) // 2)
    assert drawing.count("fill-opacity") == np.count_nonzero(looks[:, : len(heard("stop")) // 2] >= 0.02)
    assert [drawing.count(f">{label}</text>") for label in ("s", "t", "end", "0 s")] == [1, 1, 1, 1]


def test_what_it_cannot_read_is_not_judged_or_last(taught: tuple[Path, Speller]) -> None:
    judge = SecondPass(taught[0] / "tiny.second-pass.tflite")
    assert judge.scores(np.zeros((STEPS + 1, len(PHONES)), np.float32), ["on", "off"]) == [0.0, 0.0]
    known, strange = judge.scores(heard("on"), ["on", "über"])
    assert known > -100 > strange
    assert judge.scores(heard("on"), ["on", "on " * 20]) == [0.0, 0.0]


def test_it_belongs_to_one_acoustic_model(taught: tuple[Path, Speller], tmp_path: Path) -> None:
    folder = taught[0]

    def recognizer(place: Path, sha256: str | None = None) -> object:
        tokens = {"phones": (0, len(PHONES))}
        card = {"second_pass": {"recognizer_sha256": sha256, "weight": 0.5}} if sha256 else {}
        path = write_recognizer(place, "tiny", b"x", language="en", tokens=tokens, flush_rows=0, card=card)
        return read_recognizer(path)

    plain = recognizer(folder)
    with pytest.raises(BundleError, match=r"has no second pass; train one with python -m"):
        second_pass_of(plain)  # type: ignore[arg-type]
    with pytest.raises(BundleError, match="another acoustic model"):
        second_pass_of(recognizer(folder, "0" * 64))  # type: ignore[arg-type]
    fitting = recognizer(folder, plain.model_sha256)  # type: ignore[attr-defined]
    assert second_pass_of(fitting).weight == 0.5  # type: ignore[arg-type]
    (tmp_path / "x.tflite").write_bytes(b"no model")
    with pytest.raises(BundleError, match="cannot be loaded"):
        SecondPass(tmp_path / "x.tflite")
