"""Teach a word network sentences, and measure its perplexity."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from kws.recognition.neural_lm import END, SPECIAL, numbered
from kws.recognition.ngram import LanguageModel
from training.neural_lm.network import WordNetwork, counted

BATCH = 64
LENGTHS = (12, 24, 48)
"""Words of a text in a batch, END before and after included; longer texts are cut."""
_DROPOUT = 0.2
_CLIP_NORM = 1.0
PATIENCE = 2
"""Turns without a gain after which it ends."""


def vocabulary(texts: Sequence[str], most: int) -> list[str]:
    """END, UNKNOWN, and the most frequent words."""
    counts = Counter(word for text in texts for word in text.split())
    return [*SPECIAL, *(word for word, _ in counts.most_common(most - len(SPECIAL)))]


def batches(
    texts: Sequence[str], words: Sequence[str], rng: np.random.Generator
) -> Iterator[npt.NDArray[np.int32]]:
    """All texts once, those of like length together."""
    index = {word: number for number, word in enumerate(words)}
    parts = []
    for shortest, longest in zip((0, *LENGTHS), (*LENGTHS[:-1], 10**6), strict=False):
        alike = [text for text in texts if shortest < len(text.split()) + 2 <= longest]
        order = rng.permutation(len(alike))
        length = min(longest, LENGTHS[-1])
        for first in range(0, len(alike), BATCH):
            some = [alike[place] for place in order[first : first + BATCH]]
            parts.append(numbered(some, index, len(some), length))
    for place in rng.permutation(len(parts)):
        yield parts[place]


def teach(
    network: WordNetwork,
    texts: Sequence[str],
    words: Sequence[str],
    *,
    turns: int,
    held: Sequence[str] = (),
    seconds: float = math.inf,
    learning_rate: float = 2e-3,
    seed: int = 1,
    say: Callable[[str], object] = print,
) -> None:
    """Go through the texts so many times, or as long as the CPU time lasts.

    With texts that are held back it ends as soon as they have become less likely twice in a row, and the
    weights are those with which they were likeliest.
    """
    rng, optimizer = np.random.default_rng(seed), keras.optimizers.Adam(learning_rate)
    variables = list(network.trainable_variables)
    optimizer.build(variables)

    def learn_batch(batch: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = mean_nats(network, batch, dropout=_DROPOUT)
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, variables), _CLIP_NORM)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    # One for every length, as the network is laid out for it, of any number of texts.
    learn = {
        length: tf.function(learn_batch, input_signature=[tf.TensorSpec((None, length), tf.int32)])
        for length in LENGTHS
    }
    began = time.process_time()
    best = Best(variables)
    for turn in range(1, turns + 1):
        if turn > 1 and time.process_time() - began > seconds:
            break
        loss = np.mean([learn[batch.shape[1]](tf.constant(batch)) for batch in batches(texts, words, rng)])
        nats = held_nats(network, held, words) if held else -turn  # without any the last is the best
        back = f", held back {nats:.3f}" if held else ""
        say(f"{turn}: {loss:.3f} nats a word{back}, {time.process_time() - began:.0f} CPU s")
        if best.misses(nats) >= PATIENCE:
            break
    best.restore()


class Best:
    """The weights with which what counts was least."""

    def __init__(self, variables: Sequence[tf.Variable]) -> None:
        self._variables = variables
        self._least, self._missed = math.inf, 0
        self._values: list[npt.NDArray[np.float32]] = []

    def misses(self, nats: float) -> int:
        """How many times it has not become less, this time included."""
        if nats < self._least:
            self._least, self._missed = nats, 0
            self._values = [variable.numpy() for variable in self._variables]
        else:
            self._missed += 1
        return self._missed

    def restore(self) -> None:
        """Take them again."""
        for variable, value in zip(self._variables, self._values, strict=False):
            variable.assign(value)


def held_nats(network: WordNetwork, texts: Sequence[str], words: Sequence[str]) -> float:
    """What a word of them costs."""
    parts = list(batches(texts, words, np.random.default_rng(0)))
    costs = [float(mean_nats(network, tf.constant(part))) for part in parts]
    return float(np.average(costs, weights=[(part != END).sum() + len(part) for part in parts]))


def mean_nats(network: WordNetwork, texts: tf.Tensor, *, dropout: float = 0.0) -> tf.Tensor:
    """Cross-entropy per word, the end of a sentence counted as one."""
    logits = network.logits(texts, dropout=dropout)
    costs = tf.nn.sparse_softmax_cross_entropy_with_logits(texts[:, 1:], logits) * counted(texts)
    return tf.reduce_sum(costs) / tf.reduce_sum(counted(texts))


def perplexity(log_probs: Sequence[float], texts: Sequence[str]) -> float:
    """exp of what a word costs on average, the end of a sentence counted as one."""
    return math.exp(-sum(log_probs) / sum(len(text.split()) + 1 for text in texts))


def ngram_log_prob(model: LanguageModel, text: str) -> float:
    """ln p of a sentence and its end by an n-gram model."""
    history, total = model.start(), 0.0
    for word in text.split():
        history, nats = model.score(history, word)
        total += nats
    return total + model.end(history)
