"""BC-ResNet in its causal form: a patch convolution, then stages of broadcast residual blocks.

Kim et al. 2021, see training.models.broadcast. Over steps of 30 ms instead of 10 ms, so fewer blocks reach as
far: with the default settings the last step hears 2 s.
"""

from __future__ import annotations

from collections.abc import Sequence

from training.models.broadcast import BroadcastResidual
from training.models.layers import Conv, Layer, PatchConv
from training.models.stack import CHANNELS, Stack


class BroadcastResNet(Stack):
    """patches (kernel x patch -> filters) -> stages of `blocks` blocks -> conv over all bands -> logit.

    Args:
        filters: of the patches, which lie two channels apart.
        widths: channels of each stage.
        band_strides: of each stage's first block.
        dilations: of each stage, in steps.
        blocks: in each stage.
        features: that the last layer makes of all bands.
    """

    def __init__(
        self,
        filters: int = 16,
        kernel: int = 5,
        stride: int = 3,
        patch: int = 5,
        widths: Sequence[int] = (8, 12, 16, 20),
        band_strides: Sequence[int] = (1, 2, 2, 1),
        dilations: Sequence[int] = (1, 2, 4, 8),
        blocks: int = 2,
        features: int = 32,
        dropout: float = 0.1,
    ) -> None:
        layers: list[Layer] = [PatchConv(CHANNELS, filters, kernel, stride, patch, 2)]
        bands, width = (CHANNELS - patch) // 2 + 1, filters
        for wanted, band_stride, dilation in zip(widths, band_strides, dilations, strict=True):
            for place in range(blocks):
                block = BroadcastResidual(bands, width, wanted, 1 if place else band_stride, dilation)
                layers.append(block)
                bands, width = block.out_bands, wanted
        super().__init__([*layers, Conv(bands * width, features, 3, 1)], features, stride, dropout)
