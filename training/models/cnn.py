"""A causal CNN of full convolutions: what the separable one saves is measured against it."""

from __future__ import annotations

from training.models.layers import Conv
from training.models.stack import CHANNELS, Stack


class TriggerCnn(Stack):
    """conv (kernel x 40 -> filters, stride) -> `depth` convolutions over `block_kernel` steps -> logit."""

    def __init__(
        self,
        filters: int = 40,
        kernel: int = 9,
        stride: int = 3,
        depth: int = 4,
        block_kernel: int = 9,
        dropout: float = 0.05,
    ) -> None:
        deeper = [Conv(filters, filters, block_kernel, 1) for _ in range(depth)]
        super().__init__([Conv(CHANNELS, filters, kernel, stride), *deeper], filters, stride, dropout)
