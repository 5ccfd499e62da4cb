"""How fast to learn when: warming up, then steadily, then slower and slower."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

_LAST = 0.01
"""What is left of the peak at the end."""


class WarmHoldFall(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Learning rate by batch: a line up to the peak, the peak, a cosine down over the last share of batches.

    Until the fall nothing depends on when it will begin (Hu et al. 2024, "MiniCPM", call it
    warm-up-stable-decay), so that a training can be made longer or shorter while it runs.
    """

    def __init__(self, peak: float, *, batches: int, warmup: int, falling: float) -> None:
        self.peak, self.batches, self.falling = peak, batches, falling
        self.warmup = max(1, min(warmup, batches // 5))

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The rate for the batch with this number, counted from 0."""
        number = tf.cast(step, tf.float32)
        up = tf.minimum(1.0, (number + 1) / self.warmup)
        fallen = (number / self.batches - 1 + self.falling) / max(self.falling, 1e-6)
        down = 0.5 + 0.5 * tf.cos(math.pi * tf.clip_by_value(fallen, 0.0, 1.0))
        return self.peak * up * (_LAST + (1 - _LAST) * down)
