"""A CRNN: small patches in time and frequency, then a GRU (after Arik et al. 2017)."""

from __future__ import annotations

from training.models.layers import PatchConv
from training.models.recurrent import gru
from training.models.stack import CHANNELS, Stack


class TriggerCrnn(Stack):
    """patches (kernel rows x patch channels -> filters) -> gru -> gru -> logit."""

    def __init__(
        self,
        filters: int = 16,
        kernel: int = 9,
        stride: int = 3,
        patch: int = 8,
        units: int = 64,
        dropout: float = 0.1,
    ) -> None:
        patches = PatchConv(CHANNELS, filters, kernel, stride, patch, patch // 2)
        layers = [patches, gru(patches.out_width, units), gru(units, units)]
        super().__init__(layers, units, stride, dropout)
