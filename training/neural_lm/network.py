"""A GRU that says of every word how likely each next word is.

    p(next word | words so far) = softmax(E' h),    h from a GRU over the embeddings E

Input and output embeddings are the same matrix (Press and Wolf 2017, "Using the output embedding to improve
language models"), so that most of the weights are used twice.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from kws.recognition.neural_lm import END
from training.learning.gru_step import gru_step


class WordNetwork(tf.Module):
    """Embedding, one GRU layer, and the embedding again."""

    def __init__(self, words: int, width: int = 96) -> None:
        super().__init__()
        self.words, self.width = words, width
        glorot, orthogonal = keras.initializers.GlorotUniform(), keras.initializers.Orthogonal()
        self._embedding = tf.Variable(keras.initializers.RandomNormal(0, 0.1)((words, width)))
        self._input = tf.Variable(glorot((width, 3 * width)))
        self._recurrent = tf.Variable(
            np.concatenate([orthogonal((width, width)).numpy() for _ in range(3)], axis=1)
        )
        self._bias = tf.Variable(tf.zeros(3 * width))
        self._out_bias = tf.Variable(tf.zeros(words))

    def logits(self, texts: tf.Tensor, *, dropout: float = 0.0) -> tf.Tensor:
        """(batch, length) -> of every next word, (batch, length - 1, words)."""
        x = tf.gather(self._embedding, texts[:, :-1])
        if dropout:
            x = tf.nn.dropout(x, dropout)
        given = tf.matmul(x, self._input) + self._bias
        state = tf.zeros_like(given[:, 0, : self.width])
        states = []
        for step in range(texts.shape[1] - 1):
            state = gru_step(given[:, step], tf.matmul(state, self._recurrent), state)
            states.append(state)
        h = tf.stack(states, axis=1)
        if dropout:
            h = tf.nn.dropout(h, dropout)
        return tf.matmul(h, self._embedding, transpose_b=True) + self._out_bias

    def score(self, texts: tf.Tensor) -> tf.Tensor:
        """ln p of each sentence and its end, (batch,)."""
        nats = tf.nn.log_softmax(self.logits(texts))
        said = tf.gather(nats, texts[:, 1:], axis=2, batch_dims=2)
        return tf.reduce_sum(said * counted(texts), axis=1)


def counted(texts: tf.Tensor) -> tf.Tensor:
    """1 for every word and the END after the last, 0 for what follows, (batch, length - 1)."""
    is_word = tf.cast(texts[:, 1:] != END, tf.float32)
    return tf.concat([tf.ones_like(is_word[:, :1]), is_word[:, :-1]], axis=1)
