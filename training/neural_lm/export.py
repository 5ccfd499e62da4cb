"""A trained word network -> NAME.neural-lm.tflite and the list of its words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import tensorflow as tf

from kws.standard_error import silenced
from training.neural_lm.learn import LENGTHS
from training.neural_lm.network import WordNetwork

MOST_TEXTS = 5
LONGEST = LENGTHS[-1]


def exported(network: WordNetwork, *, texts: int = MOST_TEXTS, longest: int = LONGEST) -> bytes:
    """The file's content: weights int8, what is computed with them float."""
    spec = tf.TensorSpec((texts, longest), tf.int32, name="texts")
    concrete = tf.function(
        lambda texts: {"score": network.score(texts)}, input_signature=[spec]
    ).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # One scale for all words, for the way in as for the way out, so that the file holds them once.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    with silenced():
        return bytes(converter.convert())


def write(folder: Path, name: str, network: WordNetwork, words: Sequence[str]) -> Path:
    """Both files; returns the network's path."""
    path = folder / f"{name}.neural-lm.tflite"
    path.write_bytes(exported(network))
    path.with_suffix(".txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    return path
