"""A network's logits outside of learning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import tensorflow as tf

from training.models import Network

Scorer = Callable[[tf.Tensor, Sequence[tf.Tensor]], tuple[tf.Tensor, list[tf.Tensor]]]


@lru_cache(maxsize=2)
def scorer(network: Network) -> Scorer:
    """`network.forward` as a graph, made once: tracing hundreds of steps takes longer than running them."""
    traced: Scorer = tf.function(lambda rows, states: network.forward(rows, states))
    return traced
