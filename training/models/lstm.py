"""A trigger-word network on the LSTM (Hochreiter and Schmidhuber 1997)."""

from __future__ import annotations

from training.models.layers import Conv
from training.models.recurrent import lstm
from training.models.stack import CHANNELS, Stack


class TriggerLstm(Stack):
    """conv (kernel x 40 -> filters, stride) -> lstm -> lstm -> logit."""

    def __init__(
        self, filters: int = 64, kernel: int = 9, stride: int = 3, units: int = 64, dropout: float = 0.1
    ) -> None:
        layers = [Conv(CHANNELS, filters, kernel, stride), lstm(filters, units), lstm(units, units)]
        super().__init__(layers, units, stride, dropout)
