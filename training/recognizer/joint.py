"""An attention decoder that learns beside CTC, and makes the network learn with it.

The loss is (1 - w) CTC + w attention (Kim, Hori and Watanabe 2017, arXiv 1609.06773), as WeNet's U2 trains
its second pass (Zhang et al. 2020, arXiv 2012.05481). The decoder hears what it will hear when it judges,
the phones' log-probabilities, and its gradient goes through them into the network.
"""

from __future__ import annotations

import tensorflow as tf

from kws.recognition.second_pass import END
from training.recognizer.network import OUTPUTS
from training.second_pass.learn import SMOOTHING, mean_nats
from training.second_pass.spellers import Speller, TransformerSpeller

KIND = "transformer"
"""Which of `training.second_pass.spellers` it is: one that takes texts of any length at once."""
WIDTH = 96


def new_speller() -> Speller:
    """A fresh decoder."""
    return TransformerSpeller(WIDTH)


def attention_loss(
    speller: Speller, logits: tf.Tensor, steps: tf.Tensor, characters: tf.Tensor, counts: tf.Tensor
) -> tf.Tensor:
    """Nats a character of the right texts, each with the right characters before it.

    Args:
        speller: the decoder.
        logits: the network's, (batch, t, outputs).
        steps: of each take, how many count.
        characters: of all takes, one after the other.
        counts: how many each take has.
    """
    first, size = OUTPUTS["phones"]
    heard = tf.nn.log_softmax(logits[:, :, first : first + size])
    texts = tf.RaggedTensor.from_row_lengths(characters, counts).to_tensor(END)
    return mean_nats(speller, heard, steps, tf.pad(texts, ((0, 0), (1, 1)), constant_values=END), SMOOTHING)
