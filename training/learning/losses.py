"""What a trigger-word network is trained to minimise."""

from __future__ import annotations

import tensorflow as tf

from training.material.tapes import IGNORED, POSITIVE
from training.recipe import TrainingRecipe


def trigger_loss(logits: tf.Tensor, marks: tf.Tensor, recipe: TrainingRecipe) -> tf.Tensor:
    """Weighted mean cross entropy of the steps, in the form that the recipe names.

    logits and marks (batch, steps); marks as in training.material.tapes. A step after a word weighs
    `recipe.positive_weight` times a step elsewhere, ignored steps count nothing.
    """
    positive = tf.cast(marks == POSITIVE, tf.float32)
    weight = tf.where(marks == IGNORED, 0.0, 1.0) * (1.0 + (recipe.positive_weight - 1.0) * positive)
    if recipe.loss == "max-pooling":
        logits = tf.where(marks == POSITIVE, best_of_word(logits, marks == POSITIVE), logits)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(positive, logits)
    if recipe.loss == "focal":
        entropy *= surprise(logits, positive) ** recipe.focal_gamma
    return tf.reduce_sum(weight * entropy) / (tf.reduce_sum(weight) + 1.0)


def surprise(logits: tf.Tensor, positive: tf.Tensor) -> tf.Tensor:
    """1 - p of the right answer: the focal loss (Lin et al. 2017) lets steps long known weigh little."""
    score = tf.sigmoid(logits)
    return positive * (1.0 - score) + (1.0 - positive) * score


def best_of_word(logits: tf.Tensor, positive: tf.Tensor) -> tf.Tensor:
    """At each positive step the highest logit of its run, shape (batch, steps); elsewhere nothing of use.

    Max-pooling (Sun et al. 2016): only the step at which a word is heard best learns, and where in the run
    that is remains free. A run that a chunk cuts in two counts as two words.
    """
    steps = tf.shape(logits)[1]
    begins = positive & ~tf.pad(positive[:, :-1], [[0, 0], [1, 0]])
    run = tf.cumsum(tf.cast(begins, tf.int32), axis=1)  # 0 before the first, at most (steps + 1) / 2
    place = tf.range(tf.shape(logits)[0])[:, None] * (steps + 1) + run
    size = tf.shape(logits)[0] * (steps + 1)
    heard = tf.where(positive, logits, logits.dtype.min)
    return tf.gather(tf.math.unsorted_segment_max(heard, place, size), place)
