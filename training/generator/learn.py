"""Learn to say: settings, batches, loop, read from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training.generator.energies import CONFIG, Floats
from training.generator.material import Spoken
from training.generator.network import Generator
from training.generator.score import NOTHING
from training.learning.averaging import RunningAverage, warm_cosine


@dataclass(frozen=True)
class LearningRecipe:
    """How the generator learns."""

    clips: int = 32
    """In a batch."""
    frames: int = 128
    """Of each; what is longer is cut, what is shorter filled up."""
    reference: int = 96
    """Frames of another recording by the same speaker, from which the voice is heard."""
    word_share: float = 0.5
    """Of clips in which a word alone is said."""
    rate: float = 1.5e-3
    """Peak of Adam's learning rate, which rises over the first twentieth and falls on a cosine."""
    clip_norm: float = 1.0
    unsaid: float = 0.1
    """Share of clips whose phones are not told, so that what phones change is known (guidance)."""
    averaging: float = 0.999
    """Decay of the running average of the weights, which is what gets kept."""


class Batch(NamedTuple):
    """Standardised energies and conditions."""

    energies: Floats
    """(n, frames, 40), 0 past the end."""
    phones: npt.NDArray[np.int32]
    """(n, frames, 3)."""
    place: Floats
    """(n, frames, 2)."""
    there: Floats
    """1 where a clip has a frame, shape (n, frames)."""
    reference: Floats
    """(n, reference, 40)."""


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of each channel's log energy, shape (40,)."""

    mean: Floats
    deviation: Floats

    def standard(self, energies: npt.NDArray[np.float16]) -> Floats:
        """Log energies (..., 40) -> mean 0, deviation 1."""
        return (energies.astype(np.float32) - self.mean) / self.deviation

    def plain(self, standard: Floats) -> Floats:
        """Log energies again."""
        return standard * self.deviation + self.mean


def scaling_of(energies: npt.NDArray[np.float16]) -> Scaling:
    """Of these frames."""
    some = energies[:: max(1, len(energies) // 200_000)].astype(np.float32)
    return Scaling(some.mean(axis=0), some.std(axis=0) + 1e-3)


@dataclass(frozen=True)
class Progress:
    """What is printed now and then."""

    batch: int
    loss: float
    """Mean square between direction and the network's, since the last report; about 2 before learning."""

    def __str__(self) -> str:
        return f"{self.batch} batches: squared error {self.loss:.4f}"


def batches(spoken: Spoken, scaling: Scaling, recipe: LearningRecipe, *, seed: int) -> Iterator[Batch]:
    """Without end."""
    rng = np.random.default_rng([seed, 1])
    words, sentences = (np.flatnonzero(spoken.is_word == kind) for kind in (True, False))
    of_speaker = [np.flatnonzero(spoken.speaker == number) for number in range(spoken.speaker.max() + 1)]
    while True:
        chosen = []
        for _ in range(recipe.clips):
            is_word = len(words) and (rng.random() < recipe.word_share or not len(sentences))
            chosen.append(int(rng.choice(words if is_word else sentences)))
        others = [_another(of_speaker[spoken.speaker[number]], number, rng) for number in chosen]
        clips = [_clip(spoken, scaling, number, recipe, rng) for number in chosen]
        references = [reference(spoken, scaling, number, recipe.reference, rng) for number in others]
        energies, phones, place, there = (np.stack(parts) for parts in zip(*clips, strict=True))
        yield Batch(energies, phones, place, there, np.stack(references))


def _another(numbers: npt.NDArray[np.int64], than: int, rng: np.random.Generator) -> int:
    """Of the same speaker, where there is one."""
    others = numbers[numbers != than]
    return int(rng.choice(others)) if len(others) else than


def _clip(
    spoken: Spoken, scaling: Scaling, number: int, recipe: LearningRecipe, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float32], ...]:
    """Energies, phones, place and where there are frames, of a stretch of a recording."""
    first, last = spoken.span(number)
    first += int(rng.integers(max(1, last - first - recipe.frames + 1)))
    last = min(last, first + recipe.frames)
    more = recipe.frames - (last - first)
    told = rng.random() >= recipe.unsaid
    phones = np.full((recipe.frames, 3), NOTHING, np.int32)
    place = np.zeros((recipe.frames, 2), np.float32)
    if told:
        phones[: last - first] = spoken.score.phones[first:last]
        place[: last - first] = spoken.score.place[first:last]
    energies = np.pad(scaling.standard(spoken.energies[first:last]), ((0, more), (0, 0)))
    there = np.pad(np.ones(last - first, np.float32), (0, more))
    return energies, phones, place, there  # type: ignore[return-value]


def reference(spoken: Spoken, scaling: Scaling, number: int, frames: int, rng: np.random.Generator) -> Floats:
    """A stretch of a recording, repeated where it is short, standardised (frames, 40)."""
    first, last = spoken.span(number)
    first += int(rng.integers(max(1, last - first - frames + 1)))
    stretch = spoken.energies[first : min(last, first + frames)]
    return scaling.standard(np.resize(stretch, (frames, CONFIG.channels)))


def learn(
    generator: Generator,
    spoken: Spoken,
    scaling: Scaling,
    count: int,
    recipe: LearningRecipe,
    *,
    seed: int,
    report: Callable[[Progress], object],
    every: int = 100,
) -> None:
    """`count` batches; at each report and at the end the network's weights are the averaged ones."""
    learning = _Learning(generator, recipe, count, seed)
    losses = []
    for number, batch in zip(range(1, count + 1), batches(spoken, scaling, recipe, seed=seed), strict=False):
        losses.append(float(learning.step(*map(tf.constant, batch))))
        if number % every == 0 or number == count:
            learning.average.swap()
            report(Progress(number, float(np.mean(losses))))
            learning.average.swap()
            losses = []
    learning.average.swap()


class _Learning:
    """One step after the other, and the running average of the weights."""

    def __init__(self, generator: Generator, recipe: LearningRecipe, count: int, seed: int) -> None:
        self._generator, self._recipe = generator, recipe
        self._optimizer = keras.optimizers.Adam(
            warm_cosine(recipe.rate, count), global_clipnorm=recipe.clip_norm
        )
        self._optimizer.build(generator.variables)
        self.average = RunningAverage(generator.variables, recipe.averaging)
        self._random = tf.random.Generator.from_seed(seed)

    @tf.function(reduce_retracing=True)
    def step(
        self,
        energies: tf.Tensor,
        phones: tf.Tensor,
        place: tf.Tensor,
        there: tf.Tensor,
        reference: tf.Tensor,
    ) -> tf.Tensor:
        """The loss of one batch, from which the weights learn."""
        noise = self._random.normal(tf.shape(energies)) * there[..., None]
        # Most is to be learned halfway, where neither noise nor energies are plain (Esser et al. 2024).
        when = tf.sigmoid(self._random.normal(tf.shape(energies)[:1]))
        point = when[:, None, None] * energies + (1 - when[:, None, None]) * noise
        with tf.GradientTape() as tape:
            voice = self._generator.voice(reference)
            found = self._generator.direction(point, when, phones, place, voice)
            squares = tf.reduce_mean(tf.square(found - (energies - noise)), 2)
            loss = tf.reduce_sum(squares * there) / tf.reduce_sum(there)
        variables = self._generator.variables
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        self._optimizer.apply(gradients, variables)
        self.average.update()
        return loss
