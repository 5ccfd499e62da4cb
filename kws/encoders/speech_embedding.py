"""Google's speech embedding, streamed: int16 samples -> 96 values every 80 ms, enough to tell any word.

The network (Lin et al. 2020, "Training keyword spotters with limited and synthesized speech data", arXiv
2002.01322; Apache-2.0) comes with the package `pyopen-wakeword`, in a form that looks at 0.8 s anew for every
answer. Here the same weights are written as a graph that carries its state from step to step: the same values
for a tenth of the work.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from kws.checksum import checksum
from kws.digest import Digested
from kws.encoders.kept import kept_graph
from kws.encoders.logmel import LogMelConfig
from kws.encoders.stage import Answers, GraphStage
from kws.errors import KwsError
from kws.types import Samples

Embeddings = npt.NDArray[np.float32]
"""Shape (t, 96), one every 80 ms."""

PACKAGE = "pyopen_wakeword"
"""Holds the published network."""
RANGES = Path(__file__).with_name("ranges.json")
"""How large activations get, for int8; measured by training.encoder_ranges."""


@dataclass(frozen=True)
class SpeechEmbeddingConfig(Digested):
    """What the values of this encoder depend on, and how they come."""

    log_mel: LogMelConfig = field(default_factory=LogMelConfig)
    weights_sha256: str = "c0aea21eb84a4ce90a08c870da41b7a7173b45269e6a3207c71d67c40f3a59d8"
    """Of the published network; another one would answer other values."""
    rows: int = 8
    """Log-mel rows of a step."""
    field_rows: int = 76
    """Log-mel rows that an embedding is computed from."""
    values: int = 96
    """Of an embedding."""
    int8_scale: float = 0.5
    """What one step of an int8 embedding means, so they reach from -64 to 63.5. On recordings 99.99 % of the
    values lie within, and one of the 96 varies by about 9 (standard deviation)."""

    @property
    def step_samples(self) -> int:
        """From one embedding to the next, 80 ms."""
        return self.rows * self.log_mel.step_samples

    @property
    def warmup_steps(self) -> int:
        """Embeddings after a reset that take silence for what came before it."""
        return -(-self.field_rows // self.rows) - 1

    def steps_end(self, steps: int) -> int:
        """Samples that had to be heard for the first `steps` embeddings (0 for none)."""
        return self.log_mel.rows_end(steps * self.rows)


class SpeechEmbedding:
    """A streaming Stage: int16 samples, shape (n,) -> float32 embeddings, shape (t, 96).

    The first comes after 95 ms, then one every 80 ms. Each is what the published network says of the 76
    log-mel rows up to there; the first `warmup_steps` have not heard as many.

    Args:
        int8: compute in int8, in a third of the time; what that costs in likeness is in docs/decisions/0009.

    Raises:
        KwsError: the package that holds the network is not installed, or holds another one.
    """

    def __init__(self, *, int8: bool = False) -> None:
        self.config = SpeechEmbeddingConfig()
        self._steps = GraphStage(streaming_graph(self.config, int8=int8))

    def push(self, samples: Samples) -> Embeddings:
        """Embeddings completed by these samples; ValueError unless int16 of one dimension."""
        return self._real_valued(self._steps.push(samples))

    def flush(self) -> Embeddings:
        """Nothing: samples short of a step are not heard."""
        return self._real_valued(self._steps.flush())

    def reset(self) -> None:
        """As new."""
        self._steps.reset()

    def _real_valued(self, answers: Answers) -> Embeddings:
        return answers.astype(np.float32) * np.float32(self._steps.scale or 1)  # the zero of int8 is 0


def streaming_graph(config: SpeechEmbeddingConfig, *, int8: bool = False) -> bytes:
    """The .tflite, built from the installed weights on first use and kept in the user's cache."""
    name = f"speech-embedding-{'int8' if int8 else 'float32'}"
    depends = [config.digest, RANGES.read_text(encoding="utf-8") if int8 else ""]
    return graph_of_layers(name, json.dumps(depends), config, config.rows, int8=int8)


def graph_of_layers(
    name: str,
    depends: str,
    config: SpeechEmbeddingConfig,
    rows: int,
    layers: int | None = None,
    *,
    int8: bool,
) -> bytes:
    """The same of the first `layers` of the network, or all, with so many rows to a step.

    Args:
        name: in the cache.
        depends: what the graph depends on; what was kept for anything else is not taken.
        config: of the network.
        rows: as many as the pools of these layers take to one.
        layers: how many.
        int8: the arithmetic.

    Raises:
        KwsError: as `published_network` has it.
    """
    network_file()

    def build() -> bytes:
        from kws.encoders.network import read_layers
        from kws.encoders.quantized import read_ranges
        from kws.encoders.streaming import Float32, streaming_model

        arithmetic = read_ranges(RANGES).arithmetic() if int8 else Float32()
        source = published_network(config)
        return streaming_model(read_layers(source)[:layers], rows, config.log_mel.channels, arithmetic)

    return kept_graph(name, depends, build)


def network_file() -> Path:
    """The network in its package; KwsError when that is not there.

    What it holds is checked where it is read: a graph that was kept was made of the right one.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise KwsError(
            "the speech embedding is in the package pyopen-wakeword, which is not installed; "
            "pip install 'kws[encoder]'"
        )
    path = Path(found.submodule_search_locations[0]) / "models" / "embedding_model.tflite"
    try:
        path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    return path


def published_network(config: SpeechEmbeddingConfig | None = None) -> Path:
    """The same, and read; KwsError when it is not there or not the one we know."""
    path = network_file()
    try:
        found = checksum(path.read_bytes())
    except OSError as error:
        raise _unreadable(path, error) from error
    if found != (config or SpeechEmbeddingConfig()).weights_sha256:
        raise KwsError(f"{path}: is not the network that models were trained on; pip install 'kws[encoder]'")
    return path


def _unreadable(path: Path, error: OSError) -> KwsError:
    return KwsError(f"{path}: cannot be read ({error.strerror}); pip install 'kws[encoder]'")


@cache
def ranges_checksum() -> str:
    """Of RANGES, which all that is computed in int8 depends on."""
    return checksum(RANGES.read_bytes())
