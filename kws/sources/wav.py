"""WAV by the standard library alone, where soundfile is not installed: PCM of 16 bits."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from types import TracebackType

import numpy as np

from kws.errors import SourceError
from kws.sources.conversion import RATES, Converter
from kws.types import Block

BLOCK_SECONDS = 0.5


class WavSource:
    """A Source over one recording, read once from its start; `Block.source` is the path as given."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: wave.Wave_read | None = None

    def __enter__(self) -> WavSource:
        try:
            self._file = wave.open(self._path, "rb")
        except OSError as error:
            raise SourceError(
                f"{self._path}: {error.strerror}; check the path and its permissions"
            ) from error
        except (wave.Error, EOFError, RuntimeError) as error:  # RuntimeError: a chunk ends outside the file
            raise SourceError(
                f"{self._path}: no WAV of PCM ({error or 'it ends too soon'}); other recordings need "
                "soundfile (Debian: python3-soundfile)"
            ) from error
        lowest, highest = RATES
        if not lowest <= self._file.getframerate() <= highest:
            raise SourceError(
                f"{self._path}: its header states {self._file.getframerate()} hertz, allowed are {lowest} to "
                f"{highest}; correct it"
            )
        if self._file.getsampwidth() != 2:
            raise SourceError(
                f"{self._path}: {8 * self._file.getsampwidth()}-bit PCM; convert it to 16 bits, or install "
                "soundfile (Debian: python3-soundfile)"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def __iter__(self) -> Iterator[Block]:
        """All audio that is there; then raises SourceError if the header promised more."""
        assert self._file is not None, "iterate inside a with statement"
        rate, channels = self._file.getframerate(), self._file.getnchannels()
        converter = Converter(rate)
        position = heard = 0
        while data := self._file.readframes(int(rate * BLOCK_SECONDS)):
            whole = len(data) - len(data) % (2 * channels)
            frames = np.frombuffer(data[:whole], "<i2").reshape(-1, channels).astype(np.int16, copy=False)
            heard += len(frames)
            pcm = converter.push(frames)
            yield Block(pcm, self._path, position)
            position += len(pcm)
        yield Block(converter.flush(), self._path, position)
        if heard < self._file.getnframes() or not heard:
            raise SourceError(
                f"{self._path}: cut short after {heard / rate:.3f} s; what is there was heard, copy it again"
            )


def open_address(address: str, *, rate: int | None, channels: int | None) -> WavSource:
    """The recording at a path; its header tells rate and channels, so the two given are for others."""
    return WavSource(address)
