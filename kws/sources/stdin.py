"""Raw PCM on standard input: signed 16-bit little-endian, interleaved, as `arecord -t raw` writes it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from types import TracebackType

import numpy as np

from kws.errors import SourceError
from kws.sources.conversion import Converter
from kws.types import SAMPLE_RATE, Block

NAME = "-"
"""What errors and events call it."""
BLOCK_SECONDS = 0.5
"""Most taken in one read; a read returns at once with what is there, so live audio is not delayed."""

_BYTES_PER_SAMPLE = 2
_FILE_FORMATS = {b"RIFF": "WAV", b"fLaC": "FLAC", b"OggS": "Ogg", b"ID3\x03": "MP3", b"ID3\x04": "MP3"}
"""Formats by the first four bytes of their files."""


class StdinSource:
    """A Source of the bytes of one file descriptor, standard input unless another is given."""

    def __init__(self, rate: int, channels: int, descriptor: int | None = None) -> None:
        self._rate = rate
        self._channels = channels
        self._frame_bytes = _BYTES_PER_SAMPLE * channels
        self._descriptor = descriptor

    def __enter__(self) -> StdinSource:
        if self._descriptor is None:
            if sys.stdin is None:
                raise SourceError(f"{NAME}: there is no standard input; give a file instead")
            self._descriptor = sys.stdin.fileno()
        if os.isatty(self._descriptor):
            raise SourceError(
                f"{NAME}: standard input is a terminal; pipe raw PCM into it, for example "
                "arecord -f S16_LE -r 16000 -t raw | kws run -"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass  # standard input belongs to the process

    def __iter__(self) -> Iterator[Block]:
        """Blocks as the bytes come; raises SourceError when they end inside a frame or never begin."""
        converter = Converter(self._rate)
        position = 0
        held = b""
        for piece in self._pieces():
            held += piece
            whole = len(held) - len(held) % self._frame_bytes
            frames = np.frombuffer(held[:whole], "<i2").reshape(-1, self._channels)
            held = held[whole:]
            pcm = converter.push(frames.astype(np.int16, copy=False))
            yield Block(pcm, NAME, position)
            position += len(pcm)
        yield Block(converter.flush(), NAME, position)
        if held:
            raise SourceError(
                f"{NAME}: ends {len(held)} bytes into a frame of {self._frame_bytes}; send 16-bit PCM, "
                f"{self._channels} channels as --channels says, to its end"
            )

    def _pieces(self) -> Iterator[bytes]:
        assert self._descriptor is not None, "iterate inside a with statement"
        most = int(self._rate * BLOCK_SECONDS) * self._frame_bytes
        first = piece = self._read(most)
        _check_raw(first)
        while piece:
            yield piece
            piece = self._read(most)

    def _read(self, most: int) -> bytes:
        assert self._descriptor is not None
        try:
            return os.read(self._descriptor, most)
        except OSError as error:
            raise SourceError(f"{NAME}: cannot be read ({error.strerror}); pipe raw PCM into it") from error


def open_address(address: str, *, rate: int | None, channels: int | None) -> StdinSource:
    """Standard input at `rate` (16000) and `channels` (1); the address is always empty."""
    return StdinSource(rate or SAMPLE_RATE, channels or 1)


def _check_raw(first: bytes) -> None:
    if not first:
        raise SourceError(f"{NAME}: no audio came; check the program before the pipe")
    if first[:4] in _FILE_FORMATS:
        raise SourceError(
            f"{NAME}: a recording of format {_FILE_FORMATS[first[:4]]} came, raw PCM is expected; "
            "give its path instead of -"
        )
