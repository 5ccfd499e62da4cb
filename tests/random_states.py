"""Random int8 graphs with variables that are kept, exchanged, shifted and made anew."""

from __future__ import annotations

import numpy as np

from kws.encoders.graph import Graph, Scale, Tensor

STRIDE, CHANNELS = 2, 8
SCALE = Scale([0.1], -3)


class RandomStates:
    """Draws what becomes of each variable; `tflite()` is the file."""

    def __init__(self, seed: int, variables: int = 5) -> None:
        self.rng = np.random.default_rng(seed)
        self.graph = Graph()
        self.rows = self.graph.input((1, STRIDE, CHANNELS), SCALE)
        self.variables = [self.graph.state(self._initial(), SCALE) for _ in range(variables)]
        self.known = [self.rows, *(value for _, value in self.variables)]
        for handle, _ in self.variables:
            self.graph.assign(handle, self._next())

    def tflite(self) -> bytes:
        """Its output shows everything that was computed."""
        joined = self.graph.concatenate(self.known, 1)
        flat = self.graph.reshape(joined, (1, STRIDE * CHANNELS * len(self.known)))
        self.graph.output(self.graph.quantize(flat, Scale([0.1], 125), np.uint8))
        return self.graph.tflite()

    def _initial(self) -> np.ndarray:
        return self.rng.integers(-128, 128, (1, STRIDE, CHANNELS)).astype(np.int8)

    def _any(self) -> Tensor:
        return self.known[self.rng.integers(len(self.known))]

    def _next(self) -> Tensor:
        """The input, a variable as it was, or something new, which others may take as well."""
        kind = self.rng.integers(3)
        if kind == 0:
            return self._any()
        if kind == 1:
            made = self.graph.last(self.graph.concatenate([self._any(), self._any()], 1), STRIDE)
        else:
            made = self.graph.leaky_relu(self._any(), 0.5, SCALE)
        self.known.append(made)
        return made
