"""A causal depthwise-separable CNN: one convolution over spectrogram rows, then dilated separable blocks.

After MDTC (Wang et al., "WeKws", 2022). With the default settings the last step hears 3.8 s.
"""

from __future__ import annotations

from collections.abc import Sequence

from training.models.layers import Conv, Separable
from training.models.stack import CHANNELS, Stack


class SeparableCnn(Stack):
    """conv (kernel x 40 -> filters, stride) -> separable blocks, one for each dilation -> logit."""

    def __init__(
        self,
        filters: int = 64,
        kernel: int = 9,
        stride: int = 3,
        block_kernel: int = 5,
        dilations: Sequence[int] = (1, 2, 4, 8, 1, 2, 4, 8),
        dropout: float = 0.05,
    ) -> None:
        blocks = [Separable(filters, block_kernel, dilation) for dilation in dilations]
        super().__init__([Conv(CHANNELS, filters, kernel, stride), *blocks], filters, stride, dropout)
