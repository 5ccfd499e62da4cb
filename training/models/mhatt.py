"""A GRU whose every step looks back over the last second with several heads (after Rybakov et al. 2020)."""

from __future__ import annotations

from training.models.attention import Attention
from training.models.layers import Conv
from training.models.recurrent import gru
from training.models.stack import CHANNELS, Stack


class MhattRnn(Stack):
    """conv (kernel x 40 -> filters, stride) -> gru -> attention -> logit."""

    def __init__(
        self,
        filters: int = 64,
        kernel: int = 9,
        stride: int = 3,
        units: int = 64,
        heads: int = 4,
        steps: int = 32,
        dropout: float = 0.1,
    ) -> None:
        layers = [
            Conv(CHANNELS, filters, kernel, stride),
            gru(filters, units),
            Attention(units, heads, steps),
        ]
        super().__init__(layers, units, stride, dropout)
