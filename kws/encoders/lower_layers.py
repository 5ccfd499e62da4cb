"""The lower layers of Google's speech embedding, streamed: int16 samples -> 288 int8 values every 40 ms.

Eleven of its twenty convolutions (see kws.encoders.speech_embedding) tell sounds apart, over 0.3 s, in
four bands of frequency; those above them tell words apart. A recognizer that is trained on what the lower
ones say needs far less speech than one that starts from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from kws.digest import Digested
from kws.encoders.logmel import LogMel, LogMelRows
from kws.encoders.speech_embedding import (
    RANGES,
    SpeechEmbeddingConfig,
    kept_graph,
    published_network,
    ranges_checksum,
)
from kws.types import Samples

Sounds = npt.NDArray[np.int8]
"""Shape (t, 288), one every 40 ms: four bands of 72 values, the lowest band first."""


@dataclass(frozen=True)
class LowerLayersConfig(Digested):
    """What the values depend on, and how they come; see kws.frontends.RowFormat."""

    embedding: SpeechEmbeddingConfig = field(default_factory=SpeechEmbeddingConfig)
    layers: int = 11
    """Of the published network, from the first."""
    rows: int = 4
    """Log-mel rows of a step."""
    bands: int = 4
    values: int = 288
    """Of a step, all bands together."""
    scale: float = 0.05
    zero_point: int = -120
    """real = (int8 - zero_point) * scale, which follows from the measured ranges."""
    ranges_sha256: str = field(default_factory=ranges_checksum)

    @property
    def channels(self) -> int:
        """Columns of a row, as others call what is a step here."""
        return self.values

    @property
    def row_scale(self) -> float:
        """What one int8 step means to a model."""
        return self.scale

    @property
    def row_zero_point(self) -> int:
        """The int8 value that stands for 0."""
        return self.zero_point

    @property
    def row_seconds(self) -> float:
        """From one step to the next, 40 ms."""
        return self.rows * self.embedding.log_mel.step_samples / self.embedding.log_mel.sample_rate

    def rows_end(self, rows: int) -> int:
        """Samples that had to be heard for the first `rows` steps (0 for none)."""
        return self.embedding.log_mel.rows_end(rows * self.rows)


class LowerLayers:
    """A streaming Stage: int16 samples, shape (n,) -> Sounds; the first after 55 ms, then one every 40 ms.

    Raises:
        KwsError: the package that holds the network is not installed, or holds another one.
    """

    _rows: LogMelRows
    """Short of a step."""

    def __init__(self) -> None:
        self.config = LowerLayersConfig()
        self._graph = kept_graph("lower-layers-int8", self.config.digest, lambda: _build(self.config))
        self._log_mel = LogMel()
        self.reset()

    def push(self, samples: Samples) -> Sounds:
        """Steps completed by these samples; ValueError unless int16 of one dimension."""
        self._rows = np.concatenate([self._rows, self._log_mel.push(samples)])
        steps = len(self._rows) // self.config.rows
        found = np.empty((steps, self.config.values), np.int8)
        for step in range(steps):
            first = step * self.config.rows
            self._interpreter.set_tensor(self._input, self._rows[None, first : first + self.config.rows])
            self._interpreter.invoke()
            found[step] = self._interpreter.get_tensor(self._output)[0]
        self._rows = self._rows[steps * self.config.rows :]
        return found

    def flush(self) -> Sounds:
        """Nothing: samples short of a step are not heard."""
        return np.empty((0, self.config.values), np.int8)

    def reset(self) -> None:
        """As new; costs about 1 ms, since only a new interpreter starts from the initial state."""
        from ai_edge_litert.interpreter import Interpreter

        self._log_mel.reset()
        self._rows = np.empty((0, self._log_mel.config.channels), np.float32)
        self._interpreter: Any = Interpreter(model_content=self._graph, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input: int = self._interpreter.get_input_details()[0]["index"]
        self._output: int = self._interpreter.get_output_details()[0]["index"]


def _build(config: LowerLayersConfig) -> bytes:
    from kws.encoders.network import read_layers
    from kws.encoders.quantized import Int8, read_ranges
    from kws.encoders.streaming import streaming_model

    layers = read_layers(published_network(config.embedding))[: config.layers]
    channels = config.embedding.log_mel.channels
    return streaming_model(layers, config.rows, channels, Int8(read_ranges(RANGES)))
