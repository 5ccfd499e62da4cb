"""The published speech embedding as its package brings it, in its own form: the oracle of kws.encoders."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyopen_wakeword
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from kws.types import Samples

MODELS = Path(pyopen_wakeword.__file__).parent / "models"
LOG_MEL, EMBEDDING = MODELS / "melspectrogram.tflite", MODELS / "embedding_model.tflite"

WINDOW_ROWS = 76
"""Rows that one embedding is computed from."""
LIFT = 8.0
"""The front end raises what lies further than this, 80 dB, below the largest value of a call."""

_BEFORE_WINDOW = 56
"""Its frames are 512 samples long with the window of 400 in their middle."""


def log_mel(samples: Samples) -> np.ndarray:
    """All rows of these samples in one call, shape (t, 32), scaled as the embedding takes them."""
    padded = np.pad(samples, _BEFORE_WINDOW).astype(np.float32)
    return _run(LOG_MEL, padded[None])[0, 0] / 10 + 2


def embeddings(rows: np.ndarray, ends: list[int]) -> np.ndarray:
    """One embedding for the 76 rows before each of these ends, shape (len(ends), 96)."""
    windows = np.stack([rows[end - WINDOW_ROWS : end] for end in ends])
    return _run(EMBEDDING, windows[..., None])[:, 0, 0]


def constant(path: Path, shape: tuple[int, ...], which: int = 0) -> np.ndarray:
    """The float32 weights of that shape, in the order in which they are stored."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(path.read_bytes(), 0))
    fitting = [t for t in model.subgraphs[0].tensors if t.shape is not None and tuple(t.shape) == shape]
    return model.buffers[fitting[which].buffer].data.view(np.float32).reshape(shape)


def _run(path: Path, values: np.ndarray) -> np.ndarray:
    opened = _interpreter(path)
    opened.resize_tensor_input(opened.get_input_details()[0]["index"], values.shape)
    opened.allocate_tensors()
    opened.set_tensor(opened.get_input_details()[0]["index"], values)
    opened.invoke()
    return opened.get_tensor(opened.get_output_details()[0]["index"])


@cache
def _interpreter(path: Path) -> Any:
    return Interpreter(str(path), num_threads=1)
