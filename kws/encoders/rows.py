"""Embeddings as int8 rows: the front end of models that are heads on the speech embedding."""

from __future__ import annotations

from dataclasses import dataclass, field

from kws.digest import Digested
from kws.encoders.speech_embedding import SpeechEmbeddingConfig, ranges_checksum, streaming_graph
from kws.encoders.stage import GraphStage


@dataclass(frozen=True)
class EmbeddingRowsConfig(Digested):
    """What the rows depend on, and how they come; see kws.frontends.RowFormat."""

    embedding: SpeechEmbeddingConfig = field(default_factory=SpeechEmbeddingConfig)
    ranges_sha256: str = field(default_factory=ranges_checksum)
    """Of the ranges on which the encoder computes in int8."""

    @property
    def channels(self) -> int:
        """Columns of a row."""
        return self.embedding.values

    @property
    def row_scale(self) -> float:
        """What one int8 step means to a model."""
        return self.embedding.int8_scale

    @property
    def row_zero_point(self) -> int:
        """The int8 value that stands for 0."""
        return 0

    @property
    def row_seconds(self) -> float:
        """Time from one row to the next."""
        return self.embedding.step_samples / self.embedding.log_mel.sample_rate

    def rows_end(self, rows: int) -> int:
        """Samples that had to be heard for the first `rows` rows (0 for none)."""
        return self.embedding.steps_end(rows)


class EmbeddingRows(GraphStage):
    """A streaming Stage: int16 samples, shape (n,) -> int8 rows, shape (t, 96), one every 80 ms.

    Raises:
        KwsError: the package that holds the network is not installed, or holds another one.
    """

    def __init__(self) -> None:
        self.config = EmbeddingRowsConfig()
        super().__init__(streaming_graph(self.config.embedding, int8=True))
