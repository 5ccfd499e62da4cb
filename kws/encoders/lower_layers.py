"""The lower layers of Google's speech embedding, streamed: int16 samples -> 288 int8 values every 40 ms.

Eleven of its twenty convolutions (see kws.encoders.speech_embedding) tell sounds apart, over 0.3 s, in
four bands of frequency; those above them tell words apart. A recognizer that is trained on what the lower
ones say needs far less speech than one that starts from nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kws.digest import Digested
from kws.encoders.speech_embedding import SpeechEmbeddingConfig, graph_of_layers, ranges_checksum
from kws.encoders.stage import GraphStage


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


class LowerLayers(GraphStage):
    """A streaming Stage: int16 samples, shape (n,) -> int8 rows, shape (t, 288), one every 40 ms.

    The first comes after 55 ms. Each holds the bands one after the other, the lowest first.

    Raises:
        KwsError: the package that holds the network is not installed, or holds another one.
    """

    def __init__(self) -> None:
        self.config = config = LowerLayersConfig()
        super().__init__(
            graph_of_layers(
                "lower-layers-int8", config.digest, config.embedding, config.rows, config.layers, int8=True
            )
        )
