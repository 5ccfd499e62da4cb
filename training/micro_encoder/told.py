"""What a smaller student learns from: speech as a device hears it, and what the whole student says of it.

Both hear the very same rows. The one who tells is the int8 network of the package, on its own scale, so that
whatever was made of its embeddings, heads and the package's vectors of other speech, goes with the smaller
one's too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from kws.encoders.micro_embedding import MicroEmbeddingConfig, encoder_graph
from kws.encoders.stage import GraphStage
from kws.evaluation.levels import to_int16
from kws.frontend import Frontend
from kws.standard_error import silenced
from kws.types import Rows
from training.material.embedded import HEARD, StreamConfig, changed
from training.micro_encoder.pairs import Known, Pairs, Task, Taught, made_once
from training.shards import WORKERS


def heard_and_told(
    clips: Sequence[Path],
    noises: Sequence[Path],
    *,
    seed: int,
    cache: Path,
    config: StreamConfig = HEARD,
    workers: int = WORKERS,
) -> Pairs:
    """All clips once, in an order of the seed's; kept under `cache`."""
    depends = [MicroEmbeddingConfig().digest, asdict(config)]
    return made_once(_stream, (clips, noises, config), depends, seed=seed, cache=cache, workers=workers)


def said_of(rows: Rows, graph: bytes) -> Rows:
    """int8 rows (8 t, 40) of one stream -> what an encoder's graph says of them, (t, 96)."""
    with silenced():  # LiteRT tells of every model that it opens
        return GraphStage(graph, _Rows()).push(rows)


class _Rows:
    """In place of a front end, for rows that are there already."""

    def push(self, rows: Rows) -> Rows:
        """As they are."""
        return rows

    def flush(self) -> Rows:
        """Never asked for."""
        raise NotImplementedError

    def reset(self) -> None:
        """Nothing is kept."""


def _stream(known: Known, task: Task) -> tuple[Rows, Taught]:
    """Rows (8 t, 40) and embeddings (t, 96) of one part of the clips."""
    (clips, noises, config), (seed, part, numbers) = known, task
    rng, front_end = np.random.default_rng([seed, part]), Frontend()
    heard = [front_end.push(to_int16(changed(clips[number], noises, config, rng))) for number in numbers]
    rows, full = np.concatenate(heard), MicroEmbeddingConfig()
    rows = rows[: len(rows) // full.rows * full.rows]
    return rows, (said_of(rows, encoder_graph()) * full.row_scale).astype(np.float16)
