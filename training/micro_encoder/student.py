"""The student: rows of the micro front end -> three new convolutions -> the published network, learning on.

    40 values (10 ms) -> 5 rows, 96 channels -> 5 rows, 96 channels -> 32 values in place of the log-mels
    -> the twenty convolutions of Lin et al. 2020 (arXiv 2002.01322; Apache-2.0) -> 96 values every 80 ms

No linear map leads from the micro front end to log-mels: its noise suppression and gain control lie between.
Starting from the published weights spares learning anew what speech is made of.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kws.encoders.layer_file import StudentLayers
from kws.encoders.network import Layer, read_layers
from kws.encoders.speech_embedding import SpeechEmbeddingConfig, published_network
from training.learning.published_layer import PublishedLayer

CHANNELS = 96
"""Of the new convolutions."""
ROWS = 5
"""That each of the first two looks at."""

Floats = npt.NDArray[np.float32]


class Student(tf.Module):
    """Its weights, over whole sequences.

    Args:
        layers: what it begins with.
    """

    def __init__(self, layers: StudentLayers) -> None:
        super().__init__()
        self.entry = [PublishedLayer(layer) for layer in layers.entry]
        self.published = [PublishedLayer(layer) for layer in layers.published]

    def __call__(self, rows: tf.Tensor) -> tf.Tensor:
        """Real-valued rows (batch, 8 t, 40) -> embeddings (batch, t, 96); silence before the first."""
        return self.activations(rows)[-1][:, :, 0]

    def activations(self, rows: tf.Tensor) -> list[tf.Tensor]:
        """What every layer says, the last one's being the embeddings (batch, t, 1, 96)."""
        found, x = [], rows[:, :, None]
        for layer in self.entry:
            x = layer(x)
            found.append(x)
        x = tf.transpose(x, (0, 1, 3, 2))
        for layer in self.published:
            x = layer(x)
            found.append(x)
        return found

    @property
    def new(self) -> list[tf.Variable]:
        """Weights that start from nothing."""
        return _weights(self.entry)

    @property
    def taken_over(self) -> list[tf.Variable]:
        """Weights that start from the published ones."""
        return _weights(self.published)

    def learnt(self) -> StudentLayers:
        """As it is now."""
        return StudentLayers(
            tuple(layer.learnt() for layer in self.entry), tuple(layer.learnt() for layer in self.published)
        )


def beginning(mean: Floats, deviation: Floats, *, seed: int) -> StudentLayers:
    """The published layers behind new ones.

    Args:
        mean: of every column of the rows, shape (40,).
        deviation: of it.
        seed: of the new weights.
    """
    rng = np.random.default_rng(seed)
    first = _random(rng, ROWS, len(mean), CHANNELS)
    kernel = first.kernel / deviation
    bias = -(kernel * mean).sum(axis=(1, 2, 3))
    config = SpeechEmbeddingConfig()
    entry = (
        Layer(kernel.astype(np.float32), bias.astype(np.float32), activated=True),
        _random(rng, ROWS, CHANNELS, CHANNELS),
        _random(rng, 1, CHANNELS, config.log_mel.channels, activated=False),
    )
    return StudentLayers(entry, tuple(read_layers(published_network(config))))


def _random(
    rng: np.random.Generator, rows: int, inputs: int, outputs: int, *, activated: bool = True
) -> Layer:
    """Weights after He et al. 2015."""
    scale = np.sqrt(2 / (rows * inputs))
    kernel = rng.normal(0, scale, (outputs, rows, 1, inputs)).astype(np.float32)
    return Layer(kernel, np.zeros(outputs, np.float32), activated=activated)


def _weights(layers: Sequence[PublishedLayer]) -> list[tf.Variable]:
    return [weight for layer in layers for weight in (layer.kernel, layer.bias)]
