"""A network learns batch by batch: its learning rate rises and falls, an average of its weights is kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import tensorflow as tf


def warm_cosine(rate: float, count: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Up to `rate` over the first twentieth of `count` batches, then down on a cosine to a hundredth."""
    warm = max(1, count // 20)
    return keras.optimizers.schedules.CosineDecay(
        rate / 20, max(1, count - warm), alpha=0.01, warmup_target=rate, warmup_steps=warm
    )


def move(averages: Iterable[tf.Variable], now: Iterable[Any], decay: Any) -> None:
    """Bring each average nearer to what it follows, of which it takes 1 - `decay`; may be traced."""
    for average, value in zip(averages, now, strict=True):
        average.assign(average * decay + value * (1 - decay))


class RunningAverage:
    """Of the weights of some keras variables.

    Args:
        variables: those that learn.
        decay: what stays of the average after a batch; less in the beginning, so that the first steps, from
            random weights, are forgotten soon.
    """

    def __init__(self, variables: Sequence[keras.Variable], decay: float) -> None:
        self._variables, self._decay = variables, decay
        self._averages = [tf.Variable(variable.value) for variable in variables]
        self._steps = tf.Variable(0.0)

    def update(self) -> None:
        """After each batch; may be traced in a tf.function."""
        self._steps.assign_add(1.0)
        decay = tf.minimum(self._decay, self._steps / (self._steps + 9))
        move(self._averages, (variable.value for variable in self._variables), decay)

    def swap(self) -> None:
        """The weights that learn, and their averages."""
        for variable, average in zip(self._variables, self._averages, strict=True):
            now = tf.identity(variable.value)
            variable.assign(average)
            average.assign(now)
