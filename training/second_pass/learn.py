"""Teach a speller the texts of what was heard, each character with the right ones before it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kws.recognition.second_pass import written
from kws.recognition.tokens import CHARACTERS, LogProbs
from training.second_pass.spellers import Speller, counted

SIZES = ((100, 40), (256, 96), (512, 192))
"""Steps and characters of the kinds of batches; what fits none is left out."""
BATCH_STEPS = 3200
SMOOTHING = 0.1
"""Share of the probability that is asked for from all characters alike (Szegedy et al. 2016)."""
_CLIP_NORM = 1.0
_FALLING, _LAST = 0.4, 0.02
"""Over this last share of the learning its rate falls, to so much of what it was."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """What was heard, and what it says."""

    heard: LogProbs
    text: str

    @property
    def size(self) -> int | None:
        """Which of SIZES it fits."""
        fits = (len(self.heard) <= steps and len(self.text) + 2 <= letters for steps, letters in SIZES)
        return next((number for number, is_one in enumerate(fits) if is_one), None)


Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.int32], npt.NDArray[np.int32]]


def batches(lessons: Sequence[Lesson], rng: np.random.Generator) -> Iterator[Batch]:
    """Everything once in random order, as `heard`, `count` and `texts` of a speller."""
    parts: list[tuple[int, list[Lesson]]] = []
    for size, (steps, _) in enumerate(SIZES):
        alike = [lesson for lesson in lessons if lesson.size == size]
        order = rng.permutation(len(alike))
        most = BATCH_STEPS // steps
        parts += [
            (size, [alike[index] for index in order[first : first + most]])
            for first in range(0, len(alike), most)
        ]
    for number in rng.permutation(len(parts)):
        yield batch(*parts[number])


def batch(size: int, lessons: Sequence[Lesson]) -> Batch:
    """Side by side, padded to one of SIZES."""
    steps, letters = SIZES[size]
    heard = np.zeros((len(lessons), steps, lessons[0].heard.shape[1]), np.float32)
    for row, lesson in enumerate(lessons):
        heard[row, : len(lesson.heard)] = lesson.heard
    count = np.array([len(lesson.heard) for lesson in lessons], np.int32)
    return heard, count, written([lesson.text for lesson in lessons], len(lessons), letters)


class Teacher:
    """A speller, its optimizer, and the two functions that learn and measure."""

    def __init__(self, speller: Speller, learning_rate: float = 1e-3) -> None:
        self.speller = speller
        self._optimizer = keras.optimizers.Adam(learning_rate)
        self._optimizer.build(list(speller.trainable_variables))
        # One of each for every size: the networks are laid out for fixed lengths, of any number of lessons.
        self._learn = _by_steps(self._learn_batch, speller.tokens)
        self._judge = _by_steps(lambda *b: mean_nats(speller, *b), speller.tokens)

    def lesson(self, lessons: Sequence[Lesson], rng: np.random.Generator) -> float:
        """Everything once; returns the mean loss of the batches, nats per character."""
        return _mean(self._learn, batches(lessons, rng))

    def nats(self, lessons: Sequence[Lesson]) -> float:
        """What a character costs on average, without smoothing."""
        return _mean(self._judge, batches(lessons, np.random.default_rng(0)))

    def slow_down(self, rate: float) -> None:
        """Learn at another rate from now on."""
        self._optimizer.learning_rate.assign(rate)

    def _learn_batch(self, heard: tf.Tensor, count: tf.Tensor, texts: tf.Tensor) -> tf.Tensor:
        variables = list(self.speller.trainable_variables)
        with tf.GradientTape() as tape:
            loss = mean_nats(self.speller, heard, count, texts, SMOOTHING)
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, variables), _CLIP_NORM)
        self._optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss


def _by_steps(function: Callable[..., tf.Tensor], tokens: int) -> dict[int, Callable[..., tf.Tensor]]:
    """The function of batches of each of SIZES, by their steps."""
    return {
        steps: tf.function(
            function,
            input_signature=(
                tf.TensorSpec((None, steps, tokens)),
                tf.TensorSpec((None,), tf.int32),
                tf.TensorSpec((None, letters), tf.int32),
            ),
        )
        for steps, letters in SIZES
    }


def _mean(functions: dict[int, Callable[..., tf.Tensor]], parts: Iterator[Batch]) -> float:
    return float(np.mean([functions[part[0].shape[1]](*map(tf.constant, part)) for part in parts]))


def mean_nats(
    speller: Speller, heard: tf.Tensor, count: tf.Tensor, texts: tf.Tensor, smoothing: float = 0.0
) -> tf.Tensor:
    """Cross-entropy per character; with smoothing against targets that all characters share a little."""
    log_probs, _ = speller.spell(heard, count, texts)
    targets = tf.one_hot(texts[:, 1:], len(CHARACTERS)) * (1 - smoothing) + smoothing / len(CHARACTERS)
    costs = -tf.reduce_sum(targets * log_probs, axis=-1) * counted(texts)
    return tf.reduce_sum(costs) / tf.reduce_sum(counted(texts))


def teach(
    speller: Speller,
    lessons: Sequence[Lesson],
    dev: Sequence[Lesson],
    *,
    turns: int,
    seconds: float = math.inf,
    learning_rate: float = 1e-3,
    seed: int = 1,
    say: Callable[[str], object] = print,
) -> Teacher:
    """Go through the lessons so many times, or as long as the CPU time lasts; says after each how it went."""
    rng, teacher = np.random.default_rng(seed), Teacher(speller, learning_rate)
    began, spent = time.process_time(), 0.0
    for turn in range(1, turns + 1):
        if spent > seconds:
            break
        teacher.slow_down(learning_rate * rate_left(max((turn - 1) / turns, spent / seconds)))
        loss = teacher.lesson(lessons, rng)
        spent = time.process_time() - began
        heard = f", dev {teacher.nats(dev):.3f}" if dev else ""
        say(f"{turn}: {loss:.3f} nats a character{heard}, {spent:.0f} CPU s")
    return teacher


def rate_left(share: float) -> float:
    """Of the learning rate, once this share of the learning is over: all of it, then a line down."""
    return min(1.0, max(_LAST, (1 - share) / _FALLING))
