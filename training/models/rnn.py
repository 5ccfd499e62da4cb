"""A trigger-word network on the vanilla recurrent network (Elman 1990)."""

from __future__ import annotations

from training.models.layers import Conv
from training.models.recurrent import rnn
from training.models.stack import CHANNELS, Stack


class VanillaRnn(Stack):
    """conv (kernel x 40 -> filters, stride) -> rnn -> rnn -> logit."""

    def __init__(
        self, filters: int = 64, kernel: int = 9, stride: int = 3, units: int = 64, dropout: float = 0.1
    ) -> None:
        layers = [Conv(CHANNELS, filters, kernel, stride), rnn(filters, units), rnn(units, units)]
        super().__init__(layers, units, stride, dropout)
