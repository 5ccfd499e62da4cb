"""Distil the teacher: settings, batches, loop, read from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kws.encoders.speech_embedding import SpeechEmbeddingConfig
from kws.errors import KwsError
from training.int8.quantize import to_real
from training.learning.averaging import move
from training.learning.spec_augment import hide
from training.micro_encoder.pairs import Pairs
from training.micro_encoder.student import Student

Floats = npt.NDArray[np.float32]
_PER_STEP = SpeechEmbeddingConfig().rows
_UNHEARD = 12
"""Steps at the beginning of a window that are not judged: the teacher has heard what came before it."""


@dataclass(frozen=True)
class LearningRecipe:
    """How the student learns."""

    windows: int = 16
    """In a batch."""
    steps: int = 96
    """Embeddings of a window, 80 ms each."""
    new_alone: int = 120
    """Batches in which only the new layers learn, through the published ones as they are."""
    rate: float = 2e-3
    """Peak of AdamW's learning rate for the new layers, which falls on a cosine."""
    taken_over: float = 0.3
    """The published layers' share of that rate."""
    weight_decay: float = 1e-4
    masks: int = 2
    """Stretches of time, and of columns, that are hidden in each window (SpecAugment, Park et al. 2019)."""
    mask_rows: int = 24
    mask_columns: int = 6
    averaging: float = 0.995
    """Decay of the running average of the weights, which is what gets kept."""


@dataclass(frozen=True)
class Progress:
    """What is printed now and then."""

    batch: int
    error: float
    """Mean squared error in the batches since the last report, in units of the teacher's variance."""

    def __str__(self) -> str:
        return f"{self.batch} batches: squared error {self.error:.3f} of the teacher's variance"


class Scaling:
    """How the teacher's values are distributed: what is far off in one counts as much as in another."""

    def __init__(self, taught: npt.NDArray[np.float16]) -> None:
        some = taught[:: max(1, len(taught) // 100_000)].astype(np.float32)
        self.mean, self.deviation = some.mean(axis=0), some.std(axis=0)

    def error(self, said: tf.Tensor, taught: tf.Tensor) -> tf.Tensor:
        """Mean square, where 1 is what saying the mean would cost."""
        return tf.reduce_mean(tf.square((said - taught) / self.deviation))


def teach(
    student: Student,
    pairs: Iterator[Pairs],
    batches: int,
    recipe: LearningRecipe,
    scaling: Scaling,
    *,
    seed: int,
    report: Callable[[Progress], object],
    every: int = 100,
) -> None:
    """Train in place; at the end the student holds the averaged weights.

    Args:
        student: as `training.micro_encoder.student.beginning` has it.
        pairs: versions of the material, one after another; each is heard about once.
        batches: in all.
        recipe: of the learning.
        scaling: of the teacher's values.
        seed: of everything random.
        report: is given a Progress every so many batches.
        every: how many.
    """
    rng = np.random.default_rng(seed)
    schedule = keras.optimizers.schedules.CosineDecay(1.0, batches, alpha=0.02)
    new = keras.optimizers.AdamW(recipe.rate, weight_decay=recipe.weight_decay)
    taken_over = keras.optimizers.AdamW(recipe.rate * recipe.taken_over, weight_decay=recipe.weight_decay)
    new.build(student.new)
    taken_over.build(student.taken_over)
    weights = [*student.new, *student.taken_over]
    average = [tf.Variable(weight) for weight in weights]

    @tf.function
    def learn(rows: tf.Tensor, taught: tf.Tensor, rate: tf.Tensor, everything: bool) -> tf.Tensor:
        with tf.GradientTape() as tape:
            error = scaling.error(student(rows)[:, _UNHEARD:], taught[:, _UNHEARD:])
        learning = weights if everything else student.new
        gradients, _ = tf.clip_by_global_norm(tape.gradient(error, learning), 1.0)
        new.learning_rate.assign(recipe.rate * rate)
        new.apply_gradients(zip(gradients[: len(student.new)], student.new, strict=True))
        if everything:
            taken_over.learning_rate.assign(recipe.rate * recipe.taken_over * rate)
            taken_over.apply_gradients(zip(gradients[len(student.new) :], student.taken_over, strict=True))
        move(average, weights, recipe.averaging if everything else 0.5)
        return error

    errors = []
    for number, (rows, taught) in zip(range(batches), _batches(pairs, recipe, rng), strict=False):
        rate = tf.constant(float(schedule(number)))
        errors.append(float(learn(rows, taught, rate, number >= recipe.new_alone)))
        if (number + 1) % every == 0:
            report(Progress(number + 1, float(np.mean(errors))))
            errors.clear()
    for kept, now in zip(average, weights, strict=True):
        now.assign(kept)


def moments(pairs: Pairs) -> tuple[Floats, Floats]:
    """Mean and deviation of every column of real-valued rows, shape (40,) each."""
    some = to_real(pairs.rows[:: max(1, len(pairs.rows) // 200_000)])
    return some.mean(axis=0), some.std(axis=0)


def judged(student: Student, pairs: Pairs, scaling: Scaling, steps: int = 96) -> float:
    """Error on all of some pairs, nothing hidden."""
    errors = []
    for start in range(0, len(pairs.taught) - steps, steps - _UNHEARD):
        rows, taught = _window(pairs, start, steps)
        said = student(tf.constant(to_real(rows)[None]))
        errors.append(float(scaling.error(said[0, _UNHEARD:], taught[_UNHEARD:])))
    return float(np.mean(errors))


def _batches(
    versions: Iterator[Pairs], recipe: LearningRecipe, rng: np.random.Generator
) -> Iterator[tuple[Floats, Floats]]:
    """Masked rows (windows, 8 steps, 40) and embeddings (windows, steps, 96) from random places."""
    for pairs in versions:
        apart = recipe.steps - _UNHEARD
        starts = np.arange(rng.integers(apart), len(pairs.taught) - recipe.steps, apart)
        if len(starts) <= recipe.windows:
            raise KwsError(
                f"{pairs.hours:.2f} h to learn from are {len(starts)} windows, "
                f"expected more than {recipe.windows}; give more recordings"
            )
        rng.shuffle(starts)
        for some in np.split(starts, np.arange(recipe.windows, len(starts), recipe.windows))[:-1]:
            windows = [_window(pairs, start, recipe.steps) for start in some]
            rows = np.stack([_partly_hidden(to_real(rows), recipe, rng) for rows, _ in windows])
            yield rows, np.stack([taught for _, taught in windows])


def _window(pairs: Pairs, start: int, steps: int) -> tuple[npt.NDArray[np.int8], Floats]:
    rows = pairs.rows[start * _PER_STEP : (start + steps) * _PER_STEP]
    return rows, pairs.taught[start : start + steps].astype(np.float32)


def _partly_hidden(rows: Floats, recipe: LearningRecipe, rng: np.random.Generator) -> Floats:
    for _ in range(recipe.masks):
        hide(rows, rng, channels=recipe.mask_columns, stretch=recipe.mask_rows)
    return rows
