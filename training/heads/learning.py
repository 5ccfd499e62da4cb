"""Learn a head: settings, network, batches, loop, read from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from kws.encoders.rows import EmbeddingRowsConfig
from training.heads.examples import Examples, Places
from training.heads.head import Head
from training.heads.recipe import HeadRecipe
from training.learning.averaging import move
from training.learning.row_values import real_valued


@dataclass(frozen=True)
class Progress:
    """What is printed after a round."""

    round: int
    loss: float
    heard: float
    """Share of the words above the hardest thousandth of the negatives."""
    head: Head
    """As learned so far."""


def fit(known: Examples, recipe: HeadRecipe, *, seed: int) -> Iterator[Progress]:
    """One Progress after each round; the last holds the finished head."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    hearing = _Hearing(known, recipe.jitter, rng)
    network = _Network(recipe, known.rows.shape[1])
    schedule = keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate, recipe.rounds * recipe.steps, alpha=0.02
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=recipe.weight_decay)
    average = [tf.Variable(variable) for variable in network.trainable_variables]
    learn = tf.function(lambda words, others: _learn(network, optimizer, recipe, words, others))
    hard, seen = known.negative, 0
    for number in range(recipe.rounds):
        losses = []
        for _ in range(recipe.steps):
            batch = _batch(known, hard, recipe, rng)
            losses.append(learn(*map(hearing, batch)))
            seen += 1
            decay = min(recipe.averaging, seen / (10 + seen))
            move(average, network.trainable_variables, decay)
        head = _head([kept.numpy() for kept in average], hearing, recipe)
        logits = head.logits(known.rows)
        hard = _hardest(logits, known.negative, recipe.hardest)
        thousandth = np.quantile(logits[known.negative], 0.999)
        heard = float(np.mean(logits[known.words].max(axis=1) > thousandth))
        yield Progress(number + 1, float(np.mean(losses)), heard, head)


class _Network(tf.Module):
    """Windows (n, steps + context - 1, 96), normal -> logits (n, steps)."""

    def __init__(self, recipe: HeadRecipe, values: int) -> None:
        super().__init__()
        glorot = keras.initializers.GlorotUniform()
        self.project = tf.Variable(glorot((values, recipe.projected)))
        self.project_bias = tf.Variable(tf.zeros(recipe.projected))
        self.hidden = tf.Variable(glorot((recipe.context * recipe.projected, recipe.hidden)))
        self.hidden_bias = tf.Variable(tf.zeros(recipe.hidden))
        self.out = tf.Variable(glorot((recipe.hidden, 1)))
        self.out_bias = tf.Variable([-2.0])
        self._recipe = recipe

    @property
    def trainable_variables(self) -> list[tf.Variable]:
        return [self.project, self.project_bias, self.hidden, self.hidden_bias, self.out, self.out_bias]

    def logits(self, windows: tf.Tensor) -> tf.Tensor:
        """While training: with dropout."""
        recipe = self._recipe
        x = tf.nn.dropout(tf.nn.relu(windows @ self.project + self.project_bias), recipe.dropout)
        kernel = tf.reshape(self.hidden, (recipe.context, recipe.projected, recipe.hidden))
        x = tf.nn.relu(tf.nn.conv1d(x, kernel, 1, "VALID") + self.hidden_bias)
        return tf.squeeze(x @ self.out + self.out_bias, axis=2)


def _learn(network, optimizer, recipe, words, others):  # type: ignore[no-untyped-def]
    """A word counts by the step at which it is heard best; so where exactly it ends need not be known."""
    steps = words.shape[1] - recipe.context + 1
    with tf.GradientTape() as tape:
        best = tf.reduce_logsumexp(network.logits(words), axis=1) - np.log(float(steps))
        loss = _cross_entropy(best, 1 - recipe.smoothing) + _cross_entropy(network.logits(others)[:, 0], 0.0)
    gradients = tape.gradient(loss, network.trainable_variables)
    optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
    return loss


def _cross_entropy(logits: tf.Tensor, label: float) -> tf.Tensor:
    labels = tf.fill(tf.shape(logits), label)
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits))


def _batch(
    known: Examples, hard: Places, recipe: HeadRecipe, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """int8 windows of words (n, steps + context - 1, 96) and of others (n, context, 96)."""
    words = known.words[rng.integers(len(known.words), size=recipe.words)]
    hardest = round(recipe.negatives * recipe.hard_share)
    easy = rng.choice(known.negative, recipe.negatives - hardest)
    steps = words.shape[1]
    return (
        known.windows(words[:, 0] + steps - 1, steps + recipe.context - 1),
        known.windows(np.concatenate([easy, rng.choice(hard, hardest)]), recipe.context),
    )


class _Hearing:
    """int8 windows -> what the network is shown: mean 0 and deviation 1 in each value, and some noise.

    The noise is drawn from a few thousand vectors, since fresh ones would cost more than the learning.
    """

    def __init__(self, known: Examples, jitter: float, rng: np.random.Generator) -> None:
        some = _real(known.rows[known.negative[:: max(1, len(known.negative) // 50_000)]])
        self.mean, self.deviation = some.mean(axis=0), some.std(axis=0) + np.float32(1e-3)
        self._noise = np.float32(jitter) * rng.standard_normal((4096, some.shape[1]), np.float32)
        self._rng = rng

    def __call__(self, windows: np.ndarray) -> np.ndarray:
        drawn = self._rng.integers(len(self._noise), size=windows.shape[:-1])
        shown: np.ndarray = (_real(windows) - self.mean) / self.deviation + self._noise[drawn]
        return shown


def _hardest(logits: np.ndarray, negative: Places, count: int) -> Places:
    return negative[np.argsort(-logits[negative])[:count]]


def _real(rows: np.ndarray) -> np.ndarray:
    return real_valued(rows, EmbeddingRowsConfig())


def _head(weights: list[np.ndarray], hearing: _Hearing, recipe: HeadRecipe) -> Head:
    """Taking embeddings as they come: mean and deviation go into the projection."""
    project, project_bias, hidden, hidden_bias, out, out_bias = weights
    project = project / hearing.deviation[:, None]
    return Head(
        project,
        project_bias - hearing.mean @ project,
        hidden.reshape(recipe.context, recipe.projected, recipe.hidden),
        hidden_bias,
        out[:, 0],
        float(out_bias[0]),
    )
