"""What a trigger-word network is trained to minimise."""

from __future__ import annotations

import tensorflow as tf

from training.tapes import IGNORED, POSITIVE


def trigger_loss(logits: tf.Tensor, marks: tf.Tensor, *, positive_weight: float) -> tf.Tensor:
    """Per-step binary cross entropy; the steps after a word weigh `positive_weight` times a step elsewhere.

    logits and marks (batch, steps); marks as in training.tapes. Ignored steps count nothing.
    """
    positive = tf.cast(marks == POSITIVE, tf.float32)
    weight = tf.where(marks == IGNORED, 0.0, 1.0) * (1.0 + (positive_weight - 1.0) * positive)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(positive, logits)
    return tf.reduce_sum(weight * entropy) / (tf.reduce_sum(weight) + 1.0)
