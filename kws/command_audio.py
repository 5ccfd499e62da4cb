"""The audio of a wake word and of the command after it, cut from the stream while the command is being said.

It begins before the wake word, since the last seconds are always kept, and ends with what is said: at a
pause, when `end` is called because a recognizer has heard enough, or when it grows too long.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kws.loudness import REMEMBERED_SECONDS, noise_floor
from kws.pause import Pause
from kws.ring import RecentAudio
from kws.types import SAMPLE_RATE, Block, Samples


@dataclass(frozen=True)
class Extent:
    """How much of the stream belongs to a command, in seconds."""

    before: float
    """From before the wake word's end."""
    pause: float
    """Quiet that ends it; 0: none does."""
    longest: float
    """After the wake word's end it is over in any case."""


@dataclass(frozen=True, eq=False)
class Piece:
    """Some of the audio, in order; where audio was lost the next piece begins later."""

    samples: Samples
    start: int
    """Sample index in the stream."""

    @property
    def end(self) -> int:
        """Sample index after the last one."""
        return self.start + len(self.samples)


class CommandAudio:
    """At most one command at a time. Any thread may call `tap`; the rest is for one at a time.

    Whoever takes pieces too slowly loses the oldest: no more is kept than the longest command.
    """

    def __init__(self, extent: Extent) -> None:
        self._extent = extent
        self._recent = RecentAudio(REMEMBERED_SECONDS + extent.before + extent.longest)
        self._next: int | None = None  # the first sample not yet taken; None: no command
        self._word_end = 0
        self._end = 0
        self._pause: Pause | None = None

    @property
    def runs(self) -> bool:
        """Whether there is a command whose end was not taken yet."""
        return self._next is not None

    def tap(self, block: Block) -> None:
        """Take a block of audio; never waits long."""
        self._recent.push(block)

    def begin(self, word_end: float) -> None:
        """A wake word was heard, which ends there, seconds of the stream."""
        extent = self._extent
        self._word_end = round(word_end * SAMPLE_RATE)
        self._next = max(0, self._word_end - round(extent.before * SAMPLE_RATE))
        self._end = self._word_end + round(extent.longest * SAMPLE_RATE)
        floor = noise_floor(self._recent.cut(0, self._word_end))
        self._pause = Pause(floor, extent.pause) if extent.pause else None

    def end(self) -> None:
        """The command was heard to its end: what was heard up to now is all of it."""
        self._end = min(self._end, self._recent.position)

    def drop(self) -> None:
        """Nobody wants the rest of it."""
        self._next = None

    def take(self) -> Iterator[Piece]:
        """What has come since the last time; `runs` is false after the last piece."""
        reached = self._recent.position  # asked first: more may come before the blocks are
        for block in self._recent.blocks:
            if self._next is None:
                return
            piece = self._of(block)
            if len(piece.samples):
                self._follow(piece)
                piece = self._of(block)  # a pause in it may have ended the command
                self._next = piece.end
                yield piece
        if self._next is not None and reached >= self._end:
            self._next = None

    def _of(self, block: Block) -> Piece:
        """What of this block is still to be taken."""
        assert block.start is not None  # the ring has placed it
        assert self._next is not None
        start = max(block.start, self._next)
        return Piece(block.pcm[start - block.start : max(0, self._end - block.start)], start)

    def _follow(self, piece: Piece) -> None:
        if self._pause is None or piece.end <= self._word_end:
            return
        first = max(self._word_end, piece.start)
        count = self._pause.push(piece.samples[first - piece.start :])
        if count is not None:
            self._end = first + count
            self._pause = None
