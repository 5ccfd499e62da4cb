"""The last seconds of a stream, each block with its place."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from kws.types import SAMPLE_RATE, Block, Samples


class RecentAudio:
    """Keeps at least `seconds` of audio, once so much has come; any thread may ask for it."""

    def __init__(self, seconds: float) -> None:
        self._limit = seconds * SAMPLE_RATE
        self._lock = threading.Lock()
        self._blocks: deque[Block] = deque()
        self._samples = 0
        self._position = 0

    @property
    def position(self) -> int:
        """Index of the next sample in its stream."""
        return self._position

    @property
    def blocks(self) -> list[Block]:
        """What is kept, without the events that came with it."""
        with self._lock:
            return list(self._blocks)

    def push(self, block: Block) -> None:
        """Keep a copy: a source may use its memory again."""
        start = self._position if block.start is None else block.start
        if not len(block.pcm):
            self._position = start
            return
        with self._lock:
            self._blocks.append(Block(np.array(block.pcm), block.source, start))
            self._position = start + len(block.pcm)  # last, so that all before it is kept already
            self._samples += len(block.pcm)
            while self._samples - len(self._blocks[0].pcm) >= self._limit:
                self._samples -= len(self._blocks.popleft().pcm)

    def cut(self, start: int, end: int) -> Samples:
        """The samples from `start` up to `end`; what is lost or no longer kept is left out."""
        parts = [
            block.pcm[max(0, start - block.start) : max(0, end - block.start)]
            for block in self.blocks
            if block.start is not None
        ]
        return np.concatenate([np.empty(0, np.int16), *parts])

    def clear(self) -> None:
        """As new."""
        with self._lock:
            self._blocks.clear()
            self._samples = 0
            self._position = 0
