"""Networks that write a text character by character while they attend to what was heard.

    frames (40 ms) -> pairs (80 ms) -> convolutions, both ways in time -> places
    characters so far + attention to the places -> the next character

Both have the same inputs and outputs; `listen` is the same too. `LasSpeller` carries a GRU from character to
character (Chan et al. 2016, "Listen, attend and spell"), `TransformerSpeller` sees all characters before at
once (Vaswani et al. 2017, "Attention is all you need").
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from kws.recognition.second_pass import END
from kws.recognition.tokens import CHARACTERS, PHONES
from training.learning.gru_step import gru_step

FLOOR = -12.0
"""Log-probabilities below are as good as never."""
_FAR = -1e9
_MOST_POSITIONS = 2048
"""Of characters, or of steps in pairs."""


class Speller(tf.Module):
    """What both have in common: the ear, the embedding of characters, and how a text's nats are summed."""

    def __init__(self, width: int, tokens: int = len(PHONES)) -> None:
        super().__init__()
        self.width, self.tokens = width, tokens
        glorot = keras.initializers.GlorotUniform()
        self._ear = [tf.Variable(glorot((3, inputs, width))) for inputs in (2 * tokens, width)]
        self._ear_bias = [tf.Variable(tf.zeros(width)) for _ in self._ear]
        self._embedding = tf.Variable(keras.initializers.RandomNormal(0, 0.3)((len(CHARACTERS), width)))
        self._out = tf.Variable(glorot((2 * width, len(CHARACTERS))))
        self._out_bias = tf.Variable(tf.zeros(len(CHARACTERS)))

    def listen(self, heard: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Log-probabilities (batch, steps, tokens) -> places (batch, steps / 2, width), and how far they are.

        The second, (batch, 1, steps / 2), is added to the energies of attention: places that do not count
        are too far to be looked at.
        """
        x = 1 - tf.maximum(heard, FLOOR) / FLOOR  # 0 for never, 1 for certain
        steps = length_of(heard)
        counts = tf.sequence_mask(count, steps, tf.float32)
        x = (x * counts[:, :, None])[:, : steps // 2 * 2]
        x = tf.reshape(x, (-1, steps // 2, 2 * self.tokens))
        mask = tf.sequence_mask((count + 1) // 2, steps // 2, tf.float32)
        for kernel, bias in zip(self._ear, self._ear_bias, strict=True):
            # What does not count is nothing to the next layer either, or padding would change the last place.
            x = tf.nn.relu(tf.nn.conv1d(x, kernel, 1, "SAME") + bias) * mask[:, :, None]
        return x, (1 - mask)[:, None] * _FAR

    def spell(self, heard: tf.Tensor, count: tf.Tensor, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """ln p of every next character, (batch, length - 1, characters), and the attention to places."""
        raise NotImplementedError

    def score(self, heard: tf.Tensor, count: tf.Tensor, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Nats of each whole text, its end included, (batch,), and the attention."""
        log_probs, attention = self.spell(heard, count, texts)
        following = texts[:, 1:]
        one_hot = tf.one_hot(following, len(CHARACTERS))
        nats = tf.reduce_sum(log_probs * one_hot, axis=-1)
        return tf.reduce_sum(nats * counted(texts), axis=-1), attention

    def _written(self, states: tf.Tensor, contexts: tf.Tensor) -> tf.Tensor:
        both = tf.concat([states, contexts], axis=-1)
        return tf.nn.log_softmax(tf.matmul(both, self._out) + self._out_bias)


def counted(texts: tf.Tensor) -> tf.Tensor:
    """1 for every character of a text and the END after it, 0 for what follows, (batch, length - 1)."""
    following = tf.cast(texts[:, 1:] != END, tf.float32)
    before = tf.concat([tf.ones_like(following[:, :1]), following[:, :-1]], axis=1)
    return before


class LasSpeller(Speller):
    """A GRU whose state asks for the places to look at; the context goes into its next step."""

    def __init__(self, width: int = 96, tokens: int = len(PHONES)) -> None:
        super().__init__(width, tokens)
        glorot, orthogonal = keras.initializers.GlorotUniform(), keras.initializers.Orthogonal()
        self._input = tf.Variable(glorot((2 * width, 3 * width)))
        self._recurrent = tf.Variable(
            np.concatenate([orthogonal((width, width)).numpy() for _ in range(3)], axis=1)
        )
        self._bias = tf.Variable(tf.zeros(3 * width))
        self._query = tf.Variable(glorot((width, width)))

    def spell(self, heard: tf.Tensor, count: tf.Tensor, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Step by step, each with the right character before it (teacher forcing)."""
        places, far = self.listen(heard, count)
        batch = texts.shape[0] or tf.shape(texts)[0]
        characters = tf.gather(self._embedding, texts)
        state = tf.zeros((batch, self.width))
        context = tf.zeros((batch, self.width))
        states, contexts, looks = [], [], []
        for step in range(texts.shape[1] - 1):
            state = self._step(tf.concat([characters[:, step], context], axis=-1), state)
            context, look = attend(state[:, None] @ self._query, places, far)
            context, look = context[:, 0], look[:, 0]
            states.append(state)
            contexts.append(context)
            looks.append(look)
        return self._written(tf.stack(states, 1), tf.stack(contexts, 1)), tf.stack(looks, 1)

    def _step(self, x: tf.Tensor, state: tf.Tensor) -> tf.Tensor:
        given = tf.matmul(x, self._input) + self._bias
        return gru_step(given, tf.matmul(state, self._recurrent), state)


class TransformerSpeller(Speller):
    """Layers of attention to the characters before, attention to the places, and a feed-forward net."""

    def __init__(self, width: int = 96, layers: int = 2, tokens: int = len(PHONES)) -> None:
        super().__init__(width, tokens)
        glorot = keras.initializers.GlorotUniform()
        self._layers = [
            {name: tf.Variable(glorot(shape)) for name, shape in _transformer_shapes(width).items()}
            for _ in range(layers)
        ]

    def spell(self, heard: tf.Tensor, count: tf.Tensor, texts: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """All characters at once; none sees those after it. The attention is that of the last layer."""
        places, far = self.listen(heard, count)
        places = places + positions(length_of(places), self.width)
        length = length_of(texts) - 1
        x = tf.gather(self._embedding, texts[:, :-1]) + positions(length, self.width)
        later = _later(length) * _FAR
        context, look = x, x
        for layer in self._layers:
            seen, _ = attend(normal(x) @ layer["self"], normal(x), later)
            x = x + seen @ layer["self_out"]
            context, look = attend(normal(x) @ layer["look"], places, far)
            x = x + context @ layer["look_out"]
            x = x + tf.nn.relu(normal(x) @ layer["wide"]) @ layer["narrow"]
        return self._written(normal(x), context), look


def attend(queries: tf.Tensor, places: tf.Tensor, far: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """softmax(Q K' / sqrt d + far) V, keys as values: contexts (batch, queries, width), and the weights."""
    energies = tf.matmul(queries, places, transpose_b=True) / np.sqrt(places.shape[2])
    weights = tf.nn.softmax(energies + far)
    return tf.matmul(weights, places), weights


def normal(x: tf.Tensor) -> tf.Tensor:
    """Layer normalization without weights (Ba, Kiros and Hinton 2016); the products after it have some."""
    centred = x - tf.reduce_mean(x, axis=-1, keepdims=True)
    return centred * tf.math.rsqrt(tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True) + 1e-5)


def positions(length: int | tf.Tensor, width: int) -> tf.Tensor:
    """sin(t / 10000^(2 i / width)) and cos side by side, (1, length, width) (Vaswani et al. 2017)."""
    angles = np.arange(_MOST_POSITIONS)[:, None] / 10_000 ** (2 * np.arange(width // 2) / width)
    table = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)[None].astype(np.float32)
    return table[:, :length] if isinstance(length, int) else tf.constant(table)[:, :length]


def length_of(x: tf.Tensor) -> int | tf.Tensor:
    """The second dimension: a number where it is fixed, as in a file that devices run, else a tensor."""
    return x.shape[1] or tf.shape(x)[1]


def _later(length: int | tf.Tensor) -> tf.Tensor:
    """1 where a character would see one after it, (1, length, length)."""
    if isinstance(length, int):
        return (1 - np.tri(length, dtype=np.float32))[None]
    return 1 - tf.linalg.band_part(tf.ones((1, length, length)), -1, 0)


def _transformer_shapes(width: int) -> dict[str, Sequence[int]]:
    square = (width, width)
    return {
        "self": square,
        "self_out": square,
        "look": square,
        "look_out": square,
        "wide": (width, 3 * width),
        "narrow": (3 * width, width),
    }


SPELLERS = {"las": LasSpeller, "transformer": TransformerSpeller}
"""By the name that commands use."""
