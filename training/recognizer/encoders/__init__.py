"""The acoustic encoders to choose among, by the name in a recipe's `[network]`.

To add one, write a body of layers as in `recurrent.py` and name it here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kws.frontends import MICRO, row_format
from training.recognizer.encoders.attention import attention_blocks
from training.recognizer.encoders.convolution import residual_convolutions
from training.recognizer.encoders.layered import Layer, LayeredNetwork, entry_of
from training.recognizer.encoders.recurrent import bidirectional_layers, recurrent_layers
from training.recognizer.encoders.separable import separable_convolutions

BODIES: dict[str, Callable[[int, Sequence[int]], Sequence[Layer]]] = {
    "convolutions": residual_convolutions,
    "separable": separable_convolutions,
    "recurrent": recurrent_layers,
    "bidirectional": bidirectional_layers,
    "conformer": attention_blocks,
}
"""Name -> (width, dilations, or only as many layers) -> what comes after the entry."""


def layered_network(
    name: str, front: int, width: int, dilations: Sequence[int], dropout: float
) -> LayeredNetwork:
    """A fresh network of that name; KeyError for another."""
    entry = entry_of(row_format(MICRO).channels, front, width)
    return LayeredNetwork(entry, BODIES[name](width, dilations), dropout)
