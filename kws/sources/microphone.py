"""A microphone for as long as the process lives: lost audio is said, a lost device is opened again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Protocol

import numpy as np

from kws.errors import SourceError
from kws.events import Event, Gap, SourceLost, SourceRestored
from kws.sources.capture import Capture, Piece
from kws.sources.conversion import Converter
from kws.sources.devices import Device, find_again, find_device
from kws.sources.portaudio import PORTAUDIO
from kws.types import SAMPLE_RATE, Block, Samples

STALL_SECONDS = 2.0
"""A device that brings nothing for so long counts as lost."""
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 2.0
"""Seconds before a lost device is tried again: the first, doubled each time up to the longest."""

_NOTHING = np.empty(0, np.int16)


class Stream(Protocol):
    """A running capture."""

    def close(self) -> None:
        """Stop it, whatever state its device is in."""


class Backend(Protocol):
    """What a microphone needs of an audio library; tests bring their own."""

    def devices(self) -> Sequence[Device]:
        """All that can be recorded from; raises SourceError."""

    def rescan(self) -> None:
        """Look again for devices; raises SourceError, and may be called again then."""

    def open(self, device: Device, rate: int, channels: int, capture: Capture) -> Stream:
        """Start capturing into `capture`; raises SourceError."""


class Microphone:
    """A Source without end.

    It captures at the device's own rate, two channels at most (arrays of microphones carry other
    signals on the rest), unless `rate` and `channels` say otherwise. `Block.start` counts lost audio
    too, so times stay those of the room; a Gap event stands in the block after each loss.
    """

    def __init__(
        self,
        wanted: str = "",
        *,
        rate: int | None = None,
        channels: int | None = None,
        backend: Backend = PORTAUDIO,
        stall_seconds: float = STALL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._wanted = wanted
        self._wanted_rate = rate
        self._wanted_channels = channels
        self._backend = backend
        self._stall_seconds = stall_seconds
        self._clock = clock
        self._sleep = sleep
        self._stream: Stream | None = None
        self._position = 0  # samples at 16 kHz, lost ones included
        self._heard_until = 0.0  # by the clock
        self._complaint = ""  # why it is to be opened again, if it is

    def __enter__(self) -> Microphone:
        """Open it; raises SourceError for a device that is not there, and lists those that are."""
        self._device = find_device(self._backend.devices(), self._wanted)
        self._name = self._device.name
        self._start(self._device)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def __iter__(self) -> Iterator[Block]:
        """Blocks for ever, empty ones with events while the device is lost."""
        while True:
            piece = None if self._complaint else self._capture.take(self._stall_seconds)
            if piece is None:
                yield from self._recover()
            else:
                yield from self._blocks(piece)

    def reopen(self, reason: str) -> None:
        """Open the device again before the next block, as one that was lost: it runs and is no use."""
        self._complaint = reason

    def _start(self, device: Device) -> None:
        self._rate = self._wanted_rate or device.rate
        self._channels = self._wanted_channels or min(device.channels, 2)
        self._converter = Converter(self._rate)
        self._capture = Capture(self._rate, self._clock)
        self._stream = self._backend.open(device, self._rate, self._channels, self._capture)
        self._device = device
        self._heard_until = self._heard_until or self._clock()

    def _stop(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _blocks(self, piece: Piece) -> Iterator[Block]:
        if piece.lost is None:
            yield self._block(self._convert(piece))
            return
        yield self._block(self._converter.flush())
        gap = self._skip(piece.lost / self._rate, "overflow")
        yield self._block(self._convert(piece), gap)

    def _recover(self) -> Iterator[Block]:
        """Say that the device is lost, try it with growing pauses, say that it is back."""
        reason, self._complaint = self._complaint or self._symptom(), ""
        self._stop()
        yield self._block(self._converter.flush())
        yield self._block(_NOTHING, SourceLost(self._seconds, reason, self._name))
        pause = FIRST_PAUSE
        while (piece := self._first_piece()) is None:
            yield self._block(_NOTHING)  # lets the caller do other work, or leave
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        begin = piece.arrived - piece.frames / self._rate
        gap = self._skip(max(0.0, begin - self._heard_until), "device lost")
        yield self._block(self._convert(piece), gap, SourceRestored(gap.end, self._name))

    def _symptom(self) -> str:
        return "the driver stopped" if self._capture.ended else f"no audio for {self._stall_seconds:g} s"

    def _first_piece(self) -> Piece | None:
        """Open the device once more and wait for it to deliver; None if it does not."""
        try:
            self._backend.rescan()
            self._start(find_again(self._backend.devices(), self._device, self._wanted))
        except SourceError:
            return None
        piece = self._capture.take(self._stall_seconds)
        if piece is None:
            self._stop()
        return piece

    def _convert(self, piece: Piece) -> Samples:
        self._heard_until = piece.arrived
        return self._converter.push(np.frombuffer(piece.pcm, np.int16).reshape(-1, self._channels))

    def _skip(self, seconds: float, reason: str) -> Gap:
        start = self._seconds
        self._position += round(seconds * SAMPLE_RATE)
        return Gap(start, self._seconds, reason, self._name)

    def _block(self, pcm: Samples, *events: Event) -> Block:
        block = Block(pcm, self._name, self._position, events)
        self._position += len(pcm)
        return block

    @property
    def _seconds(self) -> float:
        return self._position / SAMPLE_RATE


def list_devices() -> list[Device]:
    """The microphones of this system; raises SourceError when PortAudio is missing or fails."""
    return PORTAUDIO.devices()


def open_address(address: str, *, rate: int | None, channels: int | None) -> Microphone:
    """The microphone of that name, part of a name, or index; "" is the default one."""
    return Microphone(address, rate=rate, channels=channels)
