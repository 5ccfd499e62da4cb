"""The whole way on a synthetic voice: `kws train-recognizer` to a bundle; stopping, going on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytestmark = [pytest.mark.tensorflow, pytest.mark.debian("flite")]
pytest.importorskip("tensorflow")

import keras  # noqa: E402
from click.testing import CliRunner  # noqa: E402

from kws.errors import KwsError  # noqa: E402
from kws.recognition.acoustic import AcousticModel  # noqa: E402
from kws.recognition.bundle import find_recognizer  # noqa: E402
from training.learning.checkpoint import load_arrays, save_arrays, save_weights  # noqa: E402
from training.recognizer.command import train_recognizer  # noqa: E402
from training.recognizer.learn import Learner, Progress  # noqa: E402
from training.recognizer.mean import mean, mean_of  # noqa: E402
from training.recognizer.recipe import NetworkRecipe, Recipe, TrainingRecipe  # noqa: E402
from training.recognizer.schedule import WarmHoldFall  # noqa: E402
from training.recognizer.takes import Takes  # noqa: E402

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


def test_going_on_is_as_never_having_stopped(tmp_path: Path) -> None:
    takes = two_sounds()
    whole = Learner(recipe(3), [takes], {}, seed=1)
    start = [variable.numpy() for variable in whole._state()]
    list(whole.epochs(tmp_path / "whole.npz"))

    stopped = Learner(recipe(3), [takes], {}, seed=1)
    for variable, value in zip(stopped._state(), start, strict=True):
        variable.assign(value)
    next(stopped.epochs(tmp_path / "half.npz"))
    resumed = Learner(recipe(3), [takes], {}, seed=1)
    resumed.restore(tmp_path / "half.npz")
    assert resumed.epoch == 1
    list(resumed.epochs(tmp_path / "half.npz"))
    for ours, theirs in zip(resumed.averaged.variables, whole.averaged.variables, strict=True):
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), atol=1e-4)


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
