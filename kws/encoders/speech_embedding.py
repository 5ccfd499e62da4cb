"""Google's speech embedding, streamed: int16 samples -> 96 values every 80 ms, enough to tell any word.

The network (Lin et al. 2020, "Training keyword spotters with limited and synthesized speech data", arXiv
2002.01322; Apache-2.0) comes with the package `pyopen-wakeword`, in a form that looks at 0.8 s anew for every
answer. Here the same weights are written as a graph that carries its state from step to step: the same values
for a tenth of the work.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from kws.digest import Digested
from kws.encoders.logmel import LogMel, LogMelConfig, LogMelRows
from kws.errors import KwsError
from kws.types import Samples

Embeddings = npt.NDArray[np.float32]
"""Shape (t, 96), one every 80 ms."""

RANGES = Path(__file__).with_name("ranges.json")
"""How large activations get, for int8; measured by training.encoder_ranges."""

_FORM = 1
"""Raise it when the graph is written in another way, so that those in caches are not taken for it."""


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

    _held: Samples
    _wanted: int
    """Samples of the next step that have not been handed to the log-mel front end."""

    def __init__(self, *, int8: bool = False) -> None:
        self.config = SpeechEmbeddingConfig()
        self._graph = streaming_graph(self.config, int8=int8)
        self._log_mel = LogMel()
        self.reset()

    def push(self, samples: Samples) -> Embeddings:
        """Embeddings completed by these samples; ValueError unless int16 of one dimension."""
        if samples.dtype != np.int16 or samples.ndim != 1:
            raise ValueError(f"samples must be int16, shape (n,), not {samples.dtype} {samples.shape}")
        held, found = np.concatenate([self._held, samples]), []
        while len(held) >= self._wanted:
            found.append(self._step(self._log_mel.push(held[: self._wanted])))
            held = held[self._wanted :]
            self._wanted = self.config.step_samples
        self._held = held
        return np.array(found, np.float32).reshape(-1, self.config.values)

    def flush(self) -> Embeddings:
        """Nothing: samples short of a step are not heard."""
        return np.empty((0, self.config.values), np.float32)

    def reset(self) -> None:
        """As new; costs about 2 ms, since only a new interpreter starts from the initial state."""
        from ai_edge_litert.interpreter import Interpreter

        self._log_mel.reset()
        self._held, self._wanted = np.empty(0, np.int16), self.config.steps_end(1)
        self._interpreter: Any = Interpreter(model_content=self._graph, num_threads=1)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        output = self._interpreter.get_output_details()[0]
        self._output = output["index"]
        self._scale = np.float32(output["quantization"][0] or 1)  # its zero is 0

    def _step(self, rows: LogMelRows) -> Embeddings:
        self._interpreter.set_tensor(self._input, rows[None])
        self._interpreter.invoke()
        embedding: Embeddings = self._interpreter.get_tensor(self._output)[0] * self._scale
        return embedding


def streaming_graph(config: SpeechEmbeddingConfig, *, int8: bool = False) -> bytes:
    """The .tflite, built from the installed weights on first use and kept in the user's cache."""
    source = published_network(config)
    name = f"speech-embedding-{'int8' if int8 else 'float32'}"
    depends = [config.digest, RANGES.read_text(encoding="utf-8") if int8 else ""]
    return kept_graph(name, json.dumps(depends), lambda: _build(source, config, int8))


def kept_graph(name: str, depends: str, build: Callable[[], bytes]) -> bytes:
    """A graph from the user's cache; it is built where it is not there, or was made of something else."""
    key = hashlib.sha256(json.dumps([_FORM, depends]).encode()).hexdigest()[:16]
    cached = cache_folder() / f"{name}-{key}.tflite"
    if cached.is_file():
        return cached.read_bytes()
    graph = build()
    _keep(cached, graph)
    return graph


def _build(source: Path, config: SpeechEmbeddingConfig, int8: bool) -> bytes:
    from kws.encoders.network import read_layers
    from kws.encoders.quantized import Int8, read_ranges
    from kws.encoders.streaming import Float32, streaming_model

    arithmetic = Int8(read_ranges(RANGES)) if int8 else Float32()
    return streaming_model(read_layers(source), config.rows, config.log_mel.channels, arithmetic)


def published_network(config: SpeechEmbeddingConfig | None = None) -> Path:
    """The network's file in its package; KwsError when it is not there or not the one we know."""
    found = importlib.util.find_spec("pyopen_wakeword")
    if found is None or not found.submodule_search_locations:
        raise KwsError(
            "the speech embedding is in the package pyopen-wakeword, which is not installed; "
            "pip install 'kws[encoder]'"
        )
    path = Path(found.submodule_search_locations[0]) / "models" / "embedding_model.tflite"
    try:
        checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise KwsError(f"{path}: cannot be read ({error.strerror}); pip install 'kws[encoder]'") from error
    if checksum != (config or SpeechEmbeddingConfig()).weights_sha256:
        raise KwsError(f"{path}: is not the network that models were trained on; pip install 'kws[encoder]'")
    return path


@cache
def ranges_checksum() -> str:
    """Of RANGES, which all that is computed in int8 depends on."""
    return hashlib.sha256(RANGES.read_bytes()).hexdigest()


def cache_folder() -> Path:
    """$XDG_CACHE_HOME/kws, by default ~/.cache/kws."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path("~/.cache").expanduser()) / "kws"


def _keep(path: Path, graph: bytes) -> None:
    """Whole or not at all; a home that cannot be written to only costs building it again."""
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(graph)
        partial.replace(path)
    except OSError:
        return
