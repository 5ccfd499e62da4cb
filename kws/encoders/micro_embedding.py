"""The micro embedding: int16 samples -> 96 int8 values every 80 ms, on the micro front end, with no package.

A student of Google's speech embedding (kws.encoders.speech_embedding) that hears what a microcontroller does.
It began with the published weights (Lin et al. 2020, arXiv 2002.01322; Apache-2.0) behind three new
convolutions, and learned to say of noisy speech in rooms what its teacher says of the clean recording
(`python -m training.micro_encoder`). Its weights come with this package; their card is micro_embedding.json.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from kws.checksum import checksum
from kws.digest import Digested
from kws.encoders.kept import kept_graph
from kws.encoders.stage import GraphStage
from kws.frontend import Frontend, FrontendConfig

if TYPE_CHECKING:
    from kws.encoders.graph import Graph, Tensor

WEIGHTS = Path(__file__).with_name("micro_embedding.npz")


@cache
def weights_checksum() -> str:
    """Of WEIGHTS, on which all that is heard depends."""
    return checksum(WEIGHTS.read_bytes())


@dataclass(frozen=True)
class MicroEmbeddingConfig(Digested):
    """What the rows depend on, and how they come; see kws.frontends.RowFormat."""

    front_end: FrontendConfig = field(default_factory=FrontendConfig)
    weights_sha256: str = field(default_factory=weights_checksum)
    rows: int = 8
    """Of the micro front end, to a step."""
    channels: int = 96
    """Columns of a row."""
    row_scale: float = 0.5
    """What one int8 step means, as in the speech embedding."""
    row_zero_point: int = 0

    @property
    def row_seconds(self) -> float:
        """Time from one row to the next, 80 ms."""
        return self.rows * self.front_end.row_seconds

    def rows_end(self, rows: int) -> int:
        """Samples that had to be heard for the first `rows` rows (0 for none)."""
        return self.front_end.rows_end(rows * self.rows)


class MicroEmbedding(GraphStage):
    """A streaming Stage: int16 samples, shape (n,) -> int8 rows, shape (t, 96), one every 80 ms."""

    def __init__(self) -> None:
        self.config = config = MicroEmbeddingConfig()
        super().__init__(kept_graph("micro-embedding-int8", config.digest, encoder_graph), Frontend())


def encoder_graph(weights: Path = WEIGHTS) -> bytes:
    """A .tflite: int8 [1, 8, 40] of the micro front end -> int8 [1, 96], state in resource variables.

    Args:
        weights: of the layers, which may have fewer channels.
    """
    from kws.encoders.graph import Graph

    config, graph = MicroEmbeddingConfig(), Graph()
    graph.output(graph.reshape(add_encoder(graph, weights), (1, config.channels)))
    return graph.tflite()


def add_encoder(graph: Graph, weights: Path = WEIGHTS) -> Tensor:
    """The graph's input and the encoder behind it; returns the embedding, (1, 1, 1, 96)."""
    from kws.encoders.graph import Scale
    from kws.encoders.layer_file import read_student
    from kws.encoders.quantized import Int8, between
    from kws.encoders.streaming import add_layers

    layers, ranges = read_student(weights)
    config, bands = MicroEmbeddingConfig(), between(*ranges.bands)
    heard = Scale([config.front_end.row_scale], config.front_end.row_zero_point)
    rows = graph.input((1, config.rows, config.front_end.channels), heard)
    x = graph.reshape(rows, (1, config.rows, 1, config.front_end.channels))
    x = add_layers(graph, x, layers.entry, Int8(heard, ranges.entry, bands))
    x = graph.reshape(x, (1, config.rows, x.shape[3], 1))
    return add_layers(graph, x, layers.published, Int8(bands, ranges.published))
