"""Learn twelve classes from rows, read from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from training.int8.quantize import to_real
from training.learning.spec_augment import hide
from training.speech_commands.classifier import Classifier
from training.speech_commands.hearing import Heard
from training.speech_commands.task import CLASSES


@dataclass(frozen=True)
class LearningRecipe:
    """How much is heard, and how it is learned from."""

    epochs: int = 40
    clips_per_epoch: int = 3000
    """Drawn so that every class is heard as often."""
    batch: int = 100
    learning_rate: float = 4e-3
    """Peak of AdamW's; warms up, then falls on a cosine."""
    weight_decay: float = 1e-3
    smoothing: float = 0.1
    """Of labels: the share of the answer that is spread over all classes."""
    most: int = 1500
    """Clips of one class at most."""
    versions: int = 2
    """In which each of them is heard."""


def learn(network: Classifier, heard: Heard, recipe: LearningRecipe, seed: int) -> Iterator[float]:
    """Change the network in place; yields the mean loss of each epoch."""
    steps = recipe.clips_per_epoch // recipe.batch
    optimizer = keras.optimizers.AdamW(_schedule(recipe, steps), weight_decay=recipe.weight_decay)
    optimizer.build(network.trainable_variables)
    rng = np.random.default_rng(seed)
    by_class = [np.flatnonzero(heard.classes == number) for number in range(len(CLASSES))]

    @tf.function
    def step(rows: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        wanted = tf.one_hot(classes, len(CLASSES)) * (1 - recipe.smoothing) + recipe.smoothing / len(CLASSES)
        with tf.GradientTape() as tape:
            logits = network.logits(rows, training=True)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(wanted, logits))
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, network.trainable_variables), 1.0)
        optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
        return loss

    for epoch in range(recipe.epochs):
        losses = []
        for number in range(steps):
            network.body.dropout.begin(seed, epoch * steps + number)
            chosen = _balanced(by_class, recipe.batch, rng)
            rows = to_real(heard.rows[chosen])
            for clip in rows:
                hide(clip, rng, channels=6, stretch=12)
            losses.append(float(step(tf.constant(rows), tf.constant(heard.classes[chosen]))))
        yield float(np.mean(losses))


def answers(network: Classifier, heard: Heard, batch: int = 100) -> np.ndarray:
    """The likeliest class of each, shape (clips,)."""
    count = -(-len(heard.rows) // batch) * batch
    rows = to_real(np.resize(heard.rows, (count, *heard.rows.shape[1:])))
    logits = tf.function(network.logits)
    found = [logits(tf.constant(rows[start : start + batch])).numpy() for start in range(0, count, batch)]
    return np.concatenate(found)[: len(heard.rows)].argmax(axis=1)


def _balanced(by_class: list[np.ndarray], batch: int, rng: np.random.Generator) -> np.ndarray:
    return np.array([rng.choice(by_class[number]) for number in rng.integers(len(by_class), size=batch)])


def _schedule(recipe: LearningRecipe, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    return keras.optimizers.schedules.CosineDecay(
        recipe.learning_rate / 20,
        recipe.epochs * steps - steps,
        alpha=0.01,
        warmup_target=recipe.learning_rate,
        warmup_steps=steps,
    )
