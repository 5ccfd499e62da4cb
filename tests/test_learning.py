"""Learning a network: resumed as if never stopped, best epoch kept, losses that do what their names say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.tensorflow
tf = pytest.importorskip("tensorflow")

import keras  # noqa: E402

from kws.errors import KwsError  # noqa: E402
from training.learning.checkpoint import Checkpoint  # noqa: E402
from training.learning.course import Course  # noqa: E402
from training.learning.losses import best_of_word, trigger_loss  # noqa: E402
from training.learning.selection import Listening, streamed_misses  # noqa: E402
from training.learning.train import Surroundings, fit, mining_epochs  # noqa: E402
from training.material.tapes import IGNORED, NEGATIVE, POSITIVE, Tapes  # noqa: E402
from training.models import Network, build  # noqa: E402
from training.recipe import TrainingRecipe  # noqa: E402

ROWS = 240
RECIPE = TrainingRecipe(
    epochs=3, batch=4, chunk_seconds=0.6, learning_rate=1e-2, averaging=0.5, reset_share=0.5
)
SETTINGS = {"filters": 8, "kernel": 6, "block_kernel": 3, "dilations": (1, 2), "dropout": 0.3}


def tapes(count: int, seed: int, *, words: bool = True) -> Tapes:
    """Noise; on half of the tapes a burst in the low channels is the word, and its end is marked."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(-128, -60, (count, ROWS, 40), np.int8)
    marks = np.full((count, ROWS), NEGATIVE, np.int8)
    for lane in range(0, count, 2) if words else ():
        end = int(rng.integers(80, 180))
        rows[lane, end - 40 : end, :10] = 90
        marks[lane, end - 25 : end + 75], marks[lane, end - 3 : end + 27] = IGNORED, POSITIVE
    return Tapes(rows, marks)


def network(name: str = "dscnn") -> Network:
    keras.utils.set_random_seed(5)
    return build(name, SETTINGS)


def weights(trained: Network) -> list[bytes]:
    return [np.asarray(variable).tobytes() for variable in trained.variables]


def around(path: Path, **options: object) -> Surroundings:
    listening = Listening(tapes(6, 2), window=2, per_hour=60.0)
    return Surroundings(listening, [tapes(4, 50, words=False)], Checkpoint(path, {"seed": 3}), **options)


def test_a_training_that_was_stopped_ends_like_one_that_was_not(tmp_path: Path) -> None:
    recipe = dataclasses.replace(RECIPE, mining_rounds=1, loss="max-pooling")
    whole = network()
    straight = list(fit(whole, tapes(8, 1), recipe, seed=3, around=around(tmp_path / "whole.npz")))
    # Without a checkpoint to go on from, it begins anew.
    stopped = fit(network(), tapes(8, 1), recipe, seed=3, around=around(tmp_path / "half.npz", resume=True))
    first = [next(stopped), next(stopped)]
    stopped.close()
    again = network()
    rest = list(fit(again, tapes(8, 1), recipe, seed=3, around=around(tmp_path / "half.npz", resume=True)))
    assert [progress.epoch for progress in straight] == [1, 2, 3]
    assert [*first, *rest] == straight
    assert weights(again) == weights(whole)


def test_another_jobs_checkpoint_is_refused_and_a_damaged_one(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.npz"
    Checkpoint(path, {"phrase": "one"}).save({"x": np.zeros(3)})
    with pytest.raises(KwsError, match="another phrase"):
        Checkpoint(path, {"phrase": "two"}).load()
    assert list(Checkpoint(path, {"phrase": "one"}).load() or ()) == ["x"]
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(KwsError, match="train without --resume"):
        Checkpoint(path, {"phrase": "one"}).load()


def test_it_learns_the_burst_and_keeps_the_best_epoch(tmp_path: Path) -> None:
    trained, listening = network(), Listening(tapes(16, 9), window=2, per_hour=60.0)
    recipe = dataclasses.replace(RECIPE, epochs=5)
    found = list(fit(trained, tapes(32, 1), recipe, seed=3, around=Surroundings(listening)))
    counts = [progress.held_out.misses.count for progress in found if progress.held_out]
    assert len(counts) == 5
    assert [p.epoch for p in found if p.kept][-1] == 5 - counts[::-1].index(min(counts))
    assert streamed_misses(trained, listening).misses.count == min(counts) < 8


class Fixed:
    """A network whose logit is the mean of ten channels: what streaming does to it is known."""

    stride = 3

    def zero_states(self, batch: int) -> list:
        return [tf.zeros((batch, 1))]

    def forward(self, rows, states, *, training=False):  # type: ignore[no-untyped-def]
        steps = tf.reshape(tf.reduce_mean(rows[:, :, :10], axis=2), (rows.shape[0], -1, 3))
        return tf.reduce_mean(steps, axis=2) - 13.0, states


def test_misses_are_counted_by_word_and_alarms_by_the_hour() -> None:
    heard = tapes(40, 4)
    assert streamed_misses(Fixed(), Listening(heard, 1, 0.5)).misses.count == 0  # type: ignore[arg-type]
    heard.rows[0] = heard.rows[1]  # a word that nobody says
    point = streamed_misses(Fixed(), Listening(heard, 1, 0.5))  # type: ignore[arg-type]
    assert (point.misses.count, point.misses.total) == (1, 20)
    far = slice(0, 30) if np.argmax(heard.marks[0] == POSITIVE) > 130 else slice(210, 240)
    heard.rows[0, far, :10] = 127  # louder than any word, but on a tape with one it is no false alarm
    assert streamed_misses(Fixed(), Listening(heard, 1, 0.5)).misses.count == 1  # type: ignore[arg-type]
    heard.rows[1, 100:140, :10] = 127  # one alarm in 0.8 minutes is too many
    strict, lax = (streamed_misses(Fixed(), Listening(heard, 1, rate)) for rate in (0.5, 100.0))  # type: ignore[arg-type]
    assert strict.misses.count == 20
    assert lax.misses.count == 1
    assert lax.false_alarms.count == 1


def test_mined_tapes_replace_the_easiest_wordless_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    course = Course(network(), tapes(8, 1), RECIPE, 3)
    course.worst = np.array([0.0, 0.4, 0.0, 0.1, 0.0, 0.2, 0.0, 0.3])  # odd tapes hold no word
    before = course.tapes.rows.copy()
    monkeypatch.setattr("training.learning.course.worst_false_scores", lambda *_: np.array([0.9, 0.1, 0.7]))
    more = tapes(3, 77, words=False)
    course.mine(more)
    assert np.array_equal(course.tapes.rows[3], more.rows[0])
    assert np.array_equal(course.tapes.rows[5], more.rows[2])
    assert [np.array_equal(now, then) for now, then in zip(course.tapes.rows, before, strict=True)].count(
        False
    ) == 2
    assert course.worst[[3, 5]].tolist() == [0.9, 0.7]


def test_rounds_of_mining_come_after_the_first_third() -> None:
    assert mining_epochs(TrainingRecipe(epochs=24, mining_rounds=2)) == [8, 16]
    assert mining_epochs(TrainingRecipe(epochs=24)) == []


def test_lanes_that_begin_anew_forget() -> None:
    always, never = (
        Course(network(), tapes(8, 1), dataclasses.replace(RECIPE, reset_share=s), 3) for s in (1, 0)
    )
    fresh = [chunk[2] for chunk in always._chunks(np.arange(8))]
    assert [part is None for part in fresh] == [False, True, True, True] * 2
    assert not np.any(fresh[0])
    assert np.all([part for part in (c[2] for c in never._chunks(np.arange(8))) if part is not None])


def test_where_no_word_is_near_a_lane_goes_on_from_anothers_past() -> None:
    marks = np.zeros((64, 111), np.int8)
    marks[:32, 20] = IGNORED  # within the first second: a word may have begun before it
    always, never = (
        Course(network(), tapes(8, 1), dataclasses.replace(RECIPE, exchange_share=s), 3) for s in (1, 0)
    )
    pasts = always._pasts(marks)
    assert pasts[:32].tolist() == [*range(32)]
    assert np.count_nonzero(pasts[32:] != np.arange(32, 64)) > 24
    assert min(pasts) >= 0
    assert max(pasts) < 64
    assert never._pasts(marks).tolist() == [*range(64)]


# Losses: logits of two lanes of six steps; a word at steps 2 to 4 of the first.

MARKS = np.array([[0, 2, 1, 1, 1, 2], [0, 0, 0, 0, 0, 0]], np.int8)
LOGITS = tf.constant([[-9.0, 9, -2, 3, -2, 9], [-9, -9, -9, -9, -9, -9]])


def loss_of(name: str, logits: tf.Tensor = LOGITS, **options: float) -> float:
    recipe = TrainingRecipe(loss=name, **options)  # type: ignore[arg-type]
    return float(trigger_loss(logits, MARKS, recipe))


def test_max_pooling_asks_one_step_of_a_word_to_be_high() -> None:
    best = best_of_word(LOGITS, MARKS == POSITIVE).numpy()
    assert best[0, 2:5].tolist() == [3, 3, 3]
    assert loss_of("max-pooling") < 0.1 * loss_of("cross-entropy")
    with tf.GradientTape() as tape:
        tape.watch(LOGITS)
        loss = trigger_loss(LOGITS, MARKS, TrainingRecipe(loss="max-pooling"))
    gradient = tape.gradient(loss, LOGITS).numpy()[0]
    assert gradient[3] < 0
    assert gradient[[1, 2, 4, 5]].tolist() == [0, 0, 0, 0]


def test_two_words_of_a_lane_are_pooled_apart() -> None:
    marks = np.array([[1, 1, 0, 1, 1]], np.int8)
    best = best_of_word(tf.constant([[1.0, 5, 9, 2, -1]]), marks == POSITIVE).numpy()
    assert best[0, [0, 1, 3, 4]].tolist() == [5, 5, 2, 2]


def test_focal_loss_is_cross_entropy_at_gamma_0_and_forgets_what_is_known() -> None:
    assert loss_of("focal", focal_gamma=0.0) == pytest.approx(loss_of("cross-entropy"))
    known, unknown = (tf.where(MARKS == POSITIVE, logit, -9.0) for logit in (6.0, -6.0))
    shares = [loss_of("focal", logits) / loss_of("cross-entropy", logits) for logits in (known, unknown)]
    assert shares[0] < 1e-4 < 0.9 < shares[1]


def test_ignored_steps_cost_nothing() -> None:
    for name in ("cross-entropy", "focal", "max-pooling"):
        assert loss_of(name, tf.where(MARKS == IGNORED, -50.0, LOGITS)) == pytest.approx(loss_of(name))
