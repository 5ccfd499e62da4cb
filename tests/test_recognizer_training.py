"""The whole way on a synthetic voice: `kws train-recognizer` to a bundle; stopping, going on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.tensorflow, pytest.mark.debian("flite")]
tf = pytest.importorskip("tensorflow")

import keras  # noqa: E402
from click.testing import CliRunner  # noqa: E402

from kws.errors import KwsError  # noqa: E402
from kws.recognition.acoustic import AcousticModel  # noqa: E402
from kws.recognition.bundle import find_recognizer  # noqa: E402
from kws.recognition.second_pass import second_pass_of, written  # noqa: E402
from kws.recognition.tokens import CHARACTERS  # noqa: E402
from training.learning.checkpoint import load_arrays, save_arrays, save_weights  # noqa: E402
from training.recognizer.command import train_recognizer  # noqa: E402
from training.recognizer.joint import attention_loss, new_speller  # noqa: E402
from training.recognizer.learn import Learner, Progress  # noqa: E402
from training.recognizer.mean import mean, mean_of  # noqa: E402
from training.recognizer.network import OUTPUTS  # noqa: E402
from training.recognizer.recipe import NetworkRecipe, Recipe, TrainingRecipe  # noqa: E402
from training.recognizer.schedule import WarmHoldFall  # noqa: E402
from training.recognizer.takes import Takes  # noqa: E402
from training.second_pass.learn import SMOOTHING, mean_nats  # noqa: E402

RECIPE = Path(__file__).parent / "recipes" / "tiny-recognizer.toml"
TINY = NetworkRecipe(front=16, width=24, dilations=(1,), dropout=0.0)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recognizer")
    arguments = ["-o", str(folder / "out"), "--recipe", str(RECIPE), "--cache", str(folder / "cache")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KWS_DATA", str(folder))  # no recordings
        done = CliRunner().invoke(train_recognizer, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return folder / "out"


def test_a_bundle_comes_out(bundle: Path) -> None:
    found = find_recognizer(bundle)
    assert found.card["command"].startswith("kws train-recognizer")
    assert sum(found.card["data"].values()) == 60
    heard = AcousticModel(found).of_inputs(np.zeros((80, 40), np.int8))
    assert {kind: scores.shape for kind, scores in heard.items()} == {
        "phones": (20, 40),
        "characters": (20, 29),
    }
    np.testing.assert_allclose(np.exp(heard["phones"]).sum(axis=1), 1, rtol=1e-4)


def test_a_decoder_that_learnt_beside_ctc_is_the_second_pass(bundle: Path, tmp_path: Path) -> None:
    joint = RECIPE.read_text(encoding="utf-8") + "attention_weight = 0.3\n"
    (tmp_path / "joint.toml").write_text(joint, encoding="utf-8")
    cache = str(bundle.parent / "cache")
    arguments = ["-o", str(tmp_path / "out"), "--recipe", str(tmp_path / "joint.toml"), "--cache", cache]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KWS_DATA", str(bundle.parent))
        done = CliRunner().invoke(train_recognizer, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found = find_recognizer(tmp_path / "out")
    heard = AcousticModel(found).of_inputs(np.zeros((80, 40), np.int8))["phones"]
    right, nonsense = second_pass_of(found).scores(heard, ["on", "qqqqqqqq"])
    assert nonsense < right < 0


def test_the_mean_of_weights_is_a_bundle_too(bundle: Path, tmp_path: Path) -> None:
    weights = load_arrays(bundle / "english.weights.npz")
    save_arrays(tmp_path / "zero.npz", [0 * array for array in weights])
    files = [bundle / "english.weights.npz", tmp_path / "zero.npz"]
    arguments = [
        "-o",
        str(tmp_path / "out"),
        "--recipe",
        str(RECIPE),
        "--cache",
        str(bundle.parent / "cache"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KWS_DATA", str(bundle.parent))
        done = CliRunner().invoke(mean, [*map(str, files), *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    for half, whole in zip(load_arrays(tmp_path / "out" / "english.weights.npz"), weights, strict=True):
        np.testing.assert_allclose(half, whole / 2, rtol=1e-6)
    found = find_recognizer(tmp_path / "out")
    assert found.card["command"].startswith("python -m training.recognizer.mean")
    assert found.model_sha256 != find_recognizer(bundle).model_sha256
    save_arrays(tmp_path / "other.npz", weights[:-1])
    with pytest.raises(KwsError, match=r"other\.npz: weights of another network than .*english\.weights"):
        mean_of([files[0], tmp_path / "other.npz"])


def two_sounds() -> Takes:
    """Twenty takes that say "A" as high rows and "E" as low ones."""
    rng = np.random.default_rng(1)
    rows = rng.integers(-128, -120, (20 * 60, 40)).astype(np.int8)
    for take in range(20):
        place = slice(take * 60 + 20, take * 60 + 40)
        rows[place, 20 * (take % 2) : 20 * (take % 2) + 20] += 100
    texts = tuple("ae"[take % 2] for take in range(20))
    phones = tuple(("AA", "IY")[take % 2] for take in range(20))
    return Takes(rows, np.arange(60, 60 * 21, 60), texts, phones, ("made",) * 20)


def recipe(epochs: int, **settings: float) -> Recipe:
    return Recipe(
        network=TINY, training=TrainingRecipe(epochs=epochs, batch_seconds=4, warmup=10, **settings)
    )


def test_two_sounds_are_learnt(tmp_path: Path) -> None:
    # Weights of their own, whichever test ran before: from some the two are long taken for one.
    keras.utils.set_random_seed(1)
    takes = two_sounds()
    learner = Learner(recipe(15, learning_rate=1e-2), [takes], {"same": takes}, seed=1)
    progress = list(learner.epochs(tmp_path / "c.npz"))
    assert progress[-1].loss < progress[0].loss / 2
    assert progress[-1].rates["same"].phones == 0


@pytest.mark.parametrize("attention", [0.0, 0.3])
def test_going_on_is_as_never_having_stopped(attention: float, tmp_path: Path) -> None:
    takes, settings = two_sounds(), recipe(3, attention_weight=attention)
    whole = Learner(settings, [takes], {}, seed=1)
    start = [variable.numpy() for variable in whole._state()]
    list(whole.epochs(tmp_path / "whole.npz"))

    stopped = Learner(settings, [takes], {}, seed=1)
    for variable, value in zip(stopped._state(), start, strict=True):
        variable.assign(value)
    next(stopped.epochs(tmp_path / "half.npz"))
    resumed = Learner(settings, [takes], {}, seed=1)
    resumed.restore(tmp_path / "half.npz")
    assert resumed.epoch == 1
    list(resumed.epochs(tmp_path / "half.npz"))
    for ours, theirs in zip(resumed._state(), whole._state(), strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-4)


def test_a_decoder_learns_beside_ctc(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    takes = two_sounds()
    learner = Learner(recipe(40, learning_rate=5e-3, attention_weight=0.5), [takes], {}, seed=1)
    list(learner.epochs(tmp_path / "c.npz"))
    assert learner.averaged_speller
    first, size = OUTPUTS["phones"]
    logits = learner.averaged.logits(np.stack([takes[0], takes[1]]))
    heard, count = tf.nn.log_softmax(logits[:, :, first : first + size]), tf.constant([15, 15])
    nats = [learner.averaged_speller.score(heard, count, written([text] * 2, 2, 3))[0] for text in "ae"]
    assert np.argmax(nats, axis=0).tolist() == [0, 1]


def test_what_the_decoder_asks_for_reaches_the_network(tmp_path: Path) -> None:
    learner = Learner(recipe(1, attention_weight=1.0, weight_decay=0.0), [two_sounds()], {}, seed=1)
    before = [variable.numpy() for variable in learner.network.encoder_variables]
    next(learner.epochs(tmp_path / "c.npz"))
    for ours, theirs in zip(learner.network.encoder_variables, before, strict=True):
        assert np.abs(ours.numpy() - theirs).max() > 1e-5


def test_texts_of_any_length_cost_the_decoder_what_they_cost_apart() -> None:
    keras.utils.set_random_seed(1)
    speller, texts = new_speller(), ["on", "lights"]
    outputs = sum(size for _, size in OUTPUTS.values())
    logits = np.random.default_rng(2).normal(size=(2, 31, outputs)).astype(np.float32)
    steps = np.array([20, 31], np.int32)
    labels = [CHARACTERS.encode(text) for text in texts]
    together = tf.function(
        lambda *batch: attention_loss(speller, *batch),
        input_signature=[tf.TensorSpec((None, None, outputs)), *3 * [tf.TensorSpec((None,), tf.int32)]],
    )(logits, steps, np.concatenate(labels).astype(np.int32), np.array([2, 6], np.int32))
    apart = []
    for one in range(2):
        heard = tf.nn.log_softmax(logits[one : one + 1, : steps[one], : OUTPUTS["phones"][1]])
        letters = len(texts[one]) + 2
        nats = mean_nats(speller, heard, steps[one : one + 1], written([texts[one]], 1, letters), SMOOTHING)
        apart.append(float(nats) * (letters - 1))
    assert float(together) == pytest.approx(sum(apart) / 10, rel=1e-4)


def test_gradients_are_clipped_and_short_takes_come_first_unless_the_recipe_says_no(tmp_path: Path) -> None:
    def learnt(**settings: float) -> list[np.ndarray]:
        keras.utils.set_random_seed(3)
        learner = Learner(recipe(1, **settings), [two_sounds()], {}, seed=1)
        list(learner.epochs(tmp_path / "c.npz"))
        return [variable.numpy() for variable in learner.network.encoder_variables]

    usual = learnt()
    for settings in ({"clip_norm": 0.0}, {"easy_first": False}):
        changes = [np.abs(a - b).max() for a, b in zip(learnt(**settings), usual, strict=True)]
        assert max(changes) > 1e-4, settings
    assert all(np.array_equal(a, b) for a, b in zip(learnt(), usual, strict=True))


def test_a_start_from_weights_needs_no_easy_epoch(tmp_path: Path) -> None:
    takes = two_sounds()
    learnt = Learner(recipe(1), [takes], {}, seed=1)
    list(learnt.epochs(tmp_path / "c.npz"))
    save_weights(tmp_path / "w.npz", learnt.averaged)
    again = Learner(recipe(1), [takes], {}, seed=2)
    again.start_from(tmp_path / "w.npz")
    for ours, theirs in zip(again.network.variables, learnt.averaged.variables, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert next(again.epochs(tmp_path / "again.npz")).loss < next(learnt_afresh(tmp_path)).loss


def learnt_afresh(folder: Path) -> Iterator[Progress]:
    return Learner(recipe(1), [two_sounds()], {}, seed=2).epochs(folder / "afresh.npz")


def test_the_rate_rises_holds_and_falls() -> None:
    schedule = WarmHoldFall(2.0, batches=100, warmup=10, falling=0.4)
    rates = [float(schedule(step)) for step in range(101)]
    assert rates[:10] == pytest.approx([0.2 * step for step in range(1, 11)])
    assert rates[10:61] == pytest.approx([2.0] * 51)
    assert all(later < earlier for earlier, later in pairwise(rates[60:]))
    assert rates[100] == pytest.approx(0.02)


def test_when_the_rate_falls_does_not_change_what_came_before() -> None:
    short, long = (WarmHoldFall(1.0, batches=n, warmup=10, falling=0.4) for n in (100, 300))
    assert [float(short(step)) for step in range(61)] == [float(long(step)) for step in range(61)]


def test_a_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    takes = two_sounds()
    Learner(recipe(1), [takes], {}, seed=1).save(tmp_path / "c.npz")
    wider = Recipe(network=NetworkRecipe(front=16, width=32, dilations=(1,)))
    with pytest.raises(KwsError, match="another recipe"):
        Learner(wider, [takes], {}, seed=1).restore(tmp_path / "c.npz")
