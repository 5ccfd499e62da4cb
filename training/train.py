"""Learn from tapes: settings, data, model, optimizer, loop, read from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from kws.frontend import FrontendConfig
from training.losses import trigger_loss
from training.models import Network
from training.quantize import to_real
from training.recipe import TrainingRecipe
from training.tapes import NEGATIVE, Tapes


@dataclass(frozen=True)
class Progress:
    """What is printed after an epoch."""

    epoch: int
    loss: float
    hard_tapes: int
    """Tapes on which something that is not the word scored above 0.5."""


def fit(network: Network, tapes: Tapes, recipe: TrainingRecipe, *, seed: int) -> Iterator[Progress]:
    """Train `network` in place, one Progress per epoch; at the end it holds the averaged weights.

    Truncated back-propagation through time over whole tapes: each chunk goes on from the state that the
    chunk before left, and each tape from the state of the tape before, since at work a state is never reset.
    """
    rng = np.random.default_rng(seed)
    chunk = _chunk_rows(recipe, network.stride)
    steps = recipe.epochs * (len(tapes) // recipe.batch) * (tapes.rows.shape[1] // chunk)
    optimizer = keras.optimizers.AdamW(_schedule(recipe, steps), weight_decay=recipe.weight_decay)
    average = [tf.Variable(variable) for variable in network.variables]
    learn = tf.function(lambda rows, marks, states: _learn(network, optimizer, recipe, rows, marks, states))
    states, seen = network.zero_states(recipe.batch), 0
    likelihood = np.ones(len(tapes))
    for epoch in range(recipe.epochs):
        losses = []
        for rows, marks in _chunks(tapes, recipe.batch, chunk, likelihood, rng):
            loss, states = learn(
                _masked(to_real(rows), rng), marks[:, network.stride - 1 :: network.stride], states
            )
            losses.append(loss)
            seen += 1
            decay = min(recipe.averaging, seen / (10 + seen))
            for kept, now in zip(average, network.variables, strict=True):
                kept.assign(kept * decay + now * (1 - decay))
        worst = worst_false_scores(network, tapes, recipe.batch, chunk)
        likelihood = 1 + recipe.hard_share * worst
        yield Progress(epoch + 1, float(np.mean(losses)), int(np.sum(worst > 0.5)))
    for kept, now in zip(average, network.variables, strict=True):
        now.assign(kept)


def worst_false_scores(network: Network, tapes: Tapes, batch: int, chunk: int) -> np.ndarray:
    """The highest score where no word is, shape (tapes,); heard `chunk` rows at a time."""
    score = tf.function(lambda rows, states: network.forward(rows, states))
    worst = np.zeros(len(tapes))
    for first in range(0, len(tapes), batch):
        lanes = slice(first, min(first + batch, len(tapes)))
        states = network.zero_states(lanes.stop - first)
        for start in range(0, tapes.rows.shape[1] - chunk + 1, chunk):
            logits, states = score(to_real(tapes.rows[lanes, start : start + chunk]), states)
            marks = tapes.marks[lanes, start : start + chunk][:, network.stride - 1 :: network.stride]
            scores = tf.sigmoid(logits).numpy()
            worst[lanes] = np.maximum(worst[lanes], np.where(marks == NEGATIVE, scores, 0).max(axis=1))
    return worst


def _learn(network, optimizer, recipe, rows, marks, states):  # type: ignore[no-untyped-def]
    with tf.GradientTape() as tape:
        logits, states = network.forward(rows, states, training=True)
        loss = trigger_loss(logits, marks, positive_weight=recipe.positive_weight)
    gradients = tape.gradient(loss, network.trainable_variables)
    gradients, _ = tf.clip_by_global_norm(gradients, recipe.clip_norm)
    optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
    return loss, [tf.stop_gradient(state) for state in states]


def _chunks(
    tapes: Tapes, batch: int, chunk: int, likelihood: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows (batch, chunk, 40) and marks (batch, chunk), each lane playing tape after tape in order."""
    order = rng.choice(len(tapes), len(tapes), p=likelihood / likelihood.sum())
    for first in range(0, len(order) - batch + 1, batch):
        lanes = order[first : first + batch]
        rows, marks = tapes.rows[lanes], tapes.marks[lanes]
        for start in range(0, rows.shape[1] - chunk + 1, chunk):
            yield rows[:, start : start + chunk], marks[:, start : start + chunk]


def _masked(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """SpecAugment (Park et al. 2019): in half of the lanes up to 6 channels and 15 rows are zeroed."""
    for lane in np.flatnonzero(rng.random(len(rows)) < 0.5):
        channel, row = rng.integers(rows.shape[2]), rng.integers(rows.shape[1])
        rows[lane, :, channel : channel + rng.integers(7)] = 0
        rows[lane, row : row + rng.integers(16)] = 0
    return rows


def _schedule(recipe: TrainingRecipe, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    warmup = min(200, steps // 10)
    return keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20,
        max(1, steps - warmup),
        alpha=0.02,
        warmup_target=recipe.learning_rate,
        warmup_steps=warmup,
    )


def _chunk_rows(recipe: TrainingRecipe, stride: int) -> int:
    return math.floor(recipe.chunk_seconds / FrontendConfig().row_seconds / stride) * stride
