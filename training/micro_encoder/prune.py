"""Leave out whole channels of the student: those that matter least, told by the ones that stay.

What a channel matters is how far the embedding would move without what it varies by, to first order
(Molchanov et al. 2019, arXiv 1906.10771, with the embedding itself in place of a loss). What is left out is
put together again, as well as a line can, from the channels of the same layer that stay; the weights of the
next layer take that over. So channels that say nothing, or what others say too, go without a trace.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kws.encoders.layer_file import StudentLayers
from kws.encoders.network import Layer
from kws.encoders.speech_embedding import SpeechEmbeddingConfig
from kws.errors import KwsError
from training.int8.quantize import to_real
from training.micro_encoder.pairs import Pairs
from training.micro_encoder.student import Student

Floats = npt.NDArray[np.float64]

MULTIPLE = 4
"""Of which numbers of channels are whole multiples: kernels take as many at once."""
_PER_STEP = SpeechEmbeddingConfig().rows
_STEPS = 48
"""Embeddings of a stretch that is heard, 80 ms each."""
_RIDGE = 1e-4
"""Of the mean variance, added to each: channels that never say anything have none."""


@dataclass(eq=False)
class Heard:
    """What was counted of one layer's channels, over all moments and bands."""

    count: int
    total: Floats
    """Sum, shape (channels,)."""
    products: Floats
    """Sum of all pairs' products, shape (channels, channels)."""
    importance: Floats
    """Squared change of the embedding, in its own deviations, shape (channels,)."""

    @property
    def mean(self) -> Floats:
        """Shape (channels,)."""
        mean: Floats = self.total / self.count
        return mean

    @property
    def covariance(self) -> Floats:
        """Shape (channels, channels)."""
        covariance: Floats = self.products / self.count - np.outer(self.mean, self.mean)
        return covariance


def smaller(layers: StudentLayers, heard: Sequence[Heard], keep: float) -> StudentLayers:
    """The same network with a share of the channels of every layer.

    The last layer of either part stays as wide as it is: the one's channels are the other's columns, and the
    other's are the embedding.

    Args:
        layers: the whole network.
        heard: of every layer, from `listen`.
        keep: share of the channels that stay, rounded up to a multiple of 4.

    Raises:
        KwsError: a share that is not above 0 and at most 1.
    """
    if not 0 < keep <= 1:
        raise KwsError(f"keep is {keep:g}, expected a share of the channels above 0, at most 1")
    entry = len(layers.entry)
    return StudentLayers(
        _part(layers.entry, heard[:entry], keep), _part(layers.published, heard[entry:], keep)
    )


def listen(student: Student, pairs: Pairs, stretches: int, *, seed: int) -> list[Heard]:
    """Count what every layer says in so many stretches, spread evenly over the pairs.

    Args:
        student: the whole network.
        pairs: what it hears, and the embeddings whose deviations changes are counted in.
        stretches: of four seconds each.
        seed: of the directions in which the embedding's changes are looked at.
    """
    deviation = pairs.taught[:: max(1, len(pairs.taught) // 100_000)].astype(np.float32).std(axis=0)
    rng, found = np.random.default_rng(seed), list[Heard]()
    for start in np.linspace(0, len(pairs.taught) - _STEPS, stretches).astype(int) * _PER_STEP:
        rows = to_real(pairs.rows[start : start + _STEPS * _PER_STEP])
        with tf.GradientTape() as tape:
            said = student.activations(tf.constant(rows[None]))
            # With random signs the square of the sum's change is, on average, the sum of the squares.
            signs = rng.choice(np.float32([-1, 1]), size=said[-1].shape)
            directed = tf.reduce_sum(said[-1] * signs / deviation)
        gradients = tape.gradient(directed, said)
        for index, (values, gradient) in enumerate(zip(said, gradients, strict=True)):
            one = _counted(values.numpy(), gradient.numpy())
            if index == len(found):
                found.append(one)
            else:
                found[index] = _joined(found[index], one)
    return found


def _counted(values: npt.NDArray[np.float32], gradient: npt.NDArray[np.float32]) -> Heard:
    """Of one stretch, (1, t, bands, channels) each."""
    channels = values.shape[-1]
    flat, slopes = (array.reshape(-1, channels).astype(np.float64) for array in (values, gradient))
    moved = ((flat - flat.mean(axis=0)) * slopes).sum(axis=0)
    return Heard(len(flat), flat.sum(axis=0), flat.T @ flat, moved**2)


def _joined(one: Heard, other: Heard) -> Heard:
    return Heard(*(getattr(one, name) + value for name, value in vars(other).items()))


def _part(layers: Sequence[Layer], heard: Sequence[Heard], keep: float) -> tuple[Layer, ...]:
    """All but the last layer lose channels, and each takes over what the one before it lost."""
    done = [layers[0]]
    for index, following in enumerate(layers[1:]):
        stay = _most_important(heard[index].importance, keep)
        done[-1] = replace(done[-1], kernel=done[-1].kernel[stay], bias=done[-1].bias[stay])
        done.append(taking_over(following, heard[index], stay))
    return tuple(done)


def _most_important(importance: Floats, keep: float) -> npt.NDArray[np.intp]:
    """Their numbers, rising."""
    channels = len(importance)
    count = min(channels, MULTIPLE * math.ceil(keep * channels / MULTIPLE - 1e-9))
    return np.sort(np.argsort(-importance, kind="stable")[:count])


def taking_over(layer: Layer, heard: Heard, stay: npt.NDArray[np.intp]) -> Layer:
    """A layer behind the channels that stay, which stand for the others by least squares.

    Args:
        layer: behind all of them.
        heard: of them.
        stay: their numbers, rising.
    """
    gone = np.setdiff1d(np.arange(len(heard.total)), stay)
    covariance, mean = heard.covariance, heard.mean
    among = covariance[np.ix_(stay, stay)]
    ridge = _RIDGE * np.trace(covariance) / len(covariance) + 1e-12
    lines = np.linalg.solve(among + ridge * np.eye(len(stay)), covariance[np.ix_(stay, gone)])
    constant = mean[gone] - mean[stay] @ lines
    kernel = layer.kernel[..., stay] + layer.kernel[..., gone] @ lines.T
    bias = layer.bias + (layer.kernel[..., gone] @ constant).sum(axis=(1, 2))
    return replace(layer, kernel=kernel.astype(np.float32), bias=bias.astype(np.float32))
