"""kws as the benchmark's worker loads it; imports wait until then, so that they count as start-up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kws.engine import Engine

Push = Callable[[bytes], "list[float] | None"]


def load(models: Sequence[str], scores: bool = False, engine: str = "", confirm: str = "auto") -> Push:
    """The models, or the front end alone, computed by an engine; `scores` asks for these, not for events.

    `confirm` is the second stage of events, see kws.loading; scores are those of the first.
    """
    import kws

    if models:
        words = kws.load(*models, engine=engine, confirm="none" if scores else confirm)
    else:
        words = kws.Engine([])
    return _highest_scores(words) if scores else _events(words)


def _events(engine: Engine) -> Push:
    import numpy as np

    from kws.types import Block

    def push(chunk: bytes) -> None:
        engine.push(Block(np.frombuffer(chunk, np.int16)))

    return push


def _highest_scores(engine: Engine) -> Push:
    """Of the first label of each model, among the steps that a chunk completes."""
    import numpy as np

    (front_end,) = engine.front_ends.values()

    def push(chunk: bytes) -> list[float] | None:
        rows = front_end.push(np.frombuffer(chunk, np.int16))
        found = [word.scores(rows)[:, 0] for word in engine.wake_words]
        return [float(scores.max()) for scores in found] if len(found[0]) else None

    return push
