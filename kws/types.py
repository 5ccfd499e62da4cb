"""The arrays and protocols every stage agrees on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from kws.event import Event

Samples = npt.NDArray[np.int16]
"""Audio, shape (samples,), 16 kHz mono."""
Rows = npt.NDArray[np.int8]
"""Front-end features, shape (t, channels), one row every 10 ms."""
Outputs = npt.NDArray[np.uint8]
"""Raw model outputs, shape (steps, labels); the model's scale turns them into probabilities."""
Scores = npt.NDArray[np.float32]
"""Smoothed scores from 0 to 1, shape (steps,)."""

SAMPLE_RATE = 16_000
"""Hertz, the rate of every Block."""


@dataclass(frozen=True, eq=False)
class Block:
    """A stretch of audio on its way to the engine, with what happened to its source just before it."""

    pcm: Samples
    """int16, shape (samples,), 16 kHz mono; may be empty when only `events` have something to say."""
    source: str = ""
    """File or device, copied into every event."""
    start: int | None = None
    """Index of the first sample in its stream; None: it follows the previous block without loss."""
    events: tuple[Event, ...] = ()
    """What the source itself reports, a Gap before this block for one; the engine hands them on first."""


In = TypeVar("In", contravariant=True)
Out = TypeVar("Out", covariant=True)


class Stage(Protocol[In, Out]):
    """Anything that streams. Any split of the input gives the same joined output; `reset` equals new."""

    def push(self, items: In, /) -> Out:
        """Take the next stretch of input, return the output that it completes."""

    def flush(self) -> Out:
        """The input has ended: return what was still held back."""

    def reset(self) -> None:
        """Return to the state after construction."""


class Source(Protocol):
    """Where audio comes from: a context manager that iterates over Blocks."""

    def __enter__(self) -> Source:
        """Open the file or device; raises SourceError."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""

    def __iter__(self) -> Iterator[Block]:
        """Blocks until the audio ends; raises SourceError when it turns out unreadable."""


class Sink(Protocol):
    """Where events go."""

    def emit(self, event: Event, /) -> None:
        """Take one event."""

    def close(self) -> None:
        """Hand over whatever is still held."""
