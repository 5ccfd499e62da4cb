"""Learn to match: settings, batches, loop, read from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from training.learning.averaging import RunningAverage, warm_cosine
from training.matcher.examples import Drawing, Examples, together
from training.matcher.network import Matcher

_AT_ONCE = 512
"""Examples that are judged in one go."""


@dataclass(frozen=True)
class LearningRecipe:
    """How the matcher learns; counts are those of a batch."""

    said: int = 64
    begun: int = 24
    changed: int = 64
    elsewhere: int = 72
    hard: int = 32
    """Of those elsewhere that it took for said."""
    sought: int = 6_000
    """Examples among which new hard ones are sought."""
    kept: int = 1_000
    """Hard ones that are drawn from."""
    every: int = 200
    """Batches after which they are sought."""
    rate: float = 2e-3
    """Peak of Adam's learning rate, which rises over the first twentieth and falls on a cosine."""
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    dropout: float = 0.1
    jitter: float = 0.3
    """Noise on the rows, in their standard deviations."""
    phones: float = 0.3
    """Weight of the loss of single phones of the text."""
    rows: float = 0.3
    """Weight of the loss of phones in single rows."""
    averaging: float = 0.998
    """Decay of the running average of the weights, which is what gets kept."""


@dataclass(frozen=True)
class Progress:
    """What is printed now and then."""

    batch: int
    loss: float
    """Cross entropy of texts, since the last report."""
    phones: float
    """The same of single phones of the texts."""
    rows: float
    """The same of phones in single rows."""

    def __str__(self) -> str:
        return (
            f"{self.batch} batches: cross entropy {self.loss:.4f}, of phones {self.phones:.4f}, "
            f"of rows {self.rows:.4f}"
        )


def learn(
    matcher: Matcher,
    drawing: Drawing,
    count: int,
    recipe: LearningRecipe,
    *,
    seed: int,
    report: Callable[[Progress], object],
    every: int = 500,
) -> None:
    """`count` batches; at each report and at the end the network's weights are the averaged ones."""
    learning, losses = _Learning(matcher, recipe, count), []
    tf.random.set_seed(seed)
    for number, batch in zip(range(1, count + 1), batches(matcher, drawing, recipe), strict=False):
        windows = drawing.windows(batch.row, matcher.config.columns)
        now = drawing.now(batch.row)
        losses.append(learning.step(windows, now, batch.text.astype(np.int32), *batch[2:]))
        if number % every == 0 or number == count:
            learning.average.swap()
            report(Progress(number, *np.mean(np.array(losses), axis=0).tolist()))
            learning.average.swap()
            losses = []
    learning.average.swap()


def batches(matcher: Matcher, drawing: Drawing, recipe: LearningRecipe) -> Iterator[Examples]:
    """Without end."""
    hard: Examples | None = None
    number = 0
    while True:
        if number and number % recipe.every == 0:
            hard = _hardest(matcher, drawing, recipe, hard)
        parts = [drawing.said(recipe.said), drawing.begun(recipe.begun), drawing.changed(recipe.changed)]
        if hard is None:
            parts.append(drawing.elsewhere(recipe.elsewhere + recipe.hard))
        else:
            parts.append(drawing.elsewhere(recipe.elsewhere))
            parts.append(hard.only(drawing.rng.integers(len(hard.row), size=recipe.hard)))
        yield together(parts)
        number += 1


def _hardest(matcher: Matcher, drawing: Drawing, recipe: LearningRecipe, known: Examples | None) -> Examples:
    """Of those known and new ones what the matcher takes for said most."""
    found = drawing.elsewhere(recipe.sought)
    found = found.only(found.judged > 0)
    found = together([known, found]) if known else found
    order = np.argsort(-judged(matcher, drawing, found), kind="stable")
    return found.only(order[: recipe.kept])


def judged(matcher: Matcher, drawing: Drawing, examples: Examples) -> np.ndarray:
    """The logit of each, shape (n,)."""
    found = []
    for first in range(0, len(examples.row), _AT_ONCE):
        rows, text = (part[first : first + _AT_ONCE] for part in examples[:2])
        windows = drawing.windows(rows, matcher.config.columns)
        found.append(np.asarray(matcher.logits(windows, tf.constant(text.astype(np.int32)))[0]))
    return np.concatenate(found) if found else np.empty(0, np.float32)


class _Learning:
    """One step after the other, and the running average of the weights."""

    def __init__(self, matcher: Matcher, recipe: LearningRecipe, count: int) -> None:
        self._matcher, self._recipe = matcher, recipe
        self._optimizer = keras.optimizers.AdamW(
            warm_cosine(recipe.rate, count),
            weight_decay=recipe.weight_decay,
            global_clipnorm=recipe.clip_norm,
        )
        self._optimizer.build(matcher.variables)
        self.average = RunningAverage(matcher.variables, recipe.averaging)

    def step(self, *batch: np.ndarray) -> list[float]:
        """The losses of one batch, from which the weights learn."""
        return [float(loss) for loss in self._step(*map(tf.constant, batch))]

    @tf.function(reduce_retracing=True)
    def _step(
        self,
        windows: tf.Tensor,
        now: tf.Tensor,
        text: tf.Tensor,
        said: tf.Tensor,
        judged: tf.Tensor,
        phones: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        recipe = self._recipe
        with tf.GradientTape() as tape:
            logits, there, rows = self._matcher.logits(
                windows, text, dropout=recipe.dropout, jitter=recipe.jitter
            )
            loss = _mean(tf.nn.sigmoid_cross_entropy_with_logits(said, logits), judged)
            asked = judged[:, None] * tf.cast(text > 0, tf.float32)
            of_phones = _mean(tf.nn.sigmoid_cross_entropy_with_logits(phones, there), asked)
            of_rows = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(now, rows))
            total = loss + recipe.phones * of_phones + recipe.rows * of_rows
        variables = self._matcher.variables
        gradients = tape.gradient(total, [variable.value for variable in variables])
        self._optimizer.apply(gradients, variables)
        self.average.update()
        return loss, of_phones, of_rows


def _mean(losses: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    return tf.reduce_sum(losses * weights) / tf.maximum(1.0, tf.reduce_sum(weights))
