"""Wyoming's audio chunks, of any rate, width and channel count -> samples as every Block has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from kws.servers.wyoming_wire import WireError
from kws.sources.conversion import MAX_CHANNELS, RATES, Converter
from kws.types import Samples

LONGEST_SECONDS = 60
"""Of one chunk: what is heard at once is held at 16 kHz, however low the rate that it came at."""

Frames = npt.NDArray[np.int16] | npt.NDArray[np.float32]


class ChunkReader:
    """Converts the chunks of one stream; a change of format begins a new conversion."""

    def __init__(self) -> None:
        self._format = (0, 0, 0)
        self._converter: Converter | None = None

    def push(self, data: dict[str, Any], payload: bytes) -> Samples:
        """The samples that this chunk completes; WireError for a format that no audio has."""
        form = (
            _whole(data, "rate", *RATES),
            _whole(data, "width", 1, 4),
            _whole(data, "channels", 1, MAX_CHANNELS),
        )
        if form != self._format or self._converter is None:
            self._format, self._converter = form, Converter(form[0])
        _, width, channels = form
        whole = len(payload) - len(payload) % (width * channels)
        if whole > LONGEST_SECONDS * form[0] * width * channels:
            raise WireError(f"an audio chunk is longer than {LONGEST_SECONDS} s")
        return self._converter.push(_frames(payload[:whole], width).reshape(-1, channels))

    def flush(self) -> Samples:
        """The samples still held; the next chunk begins anew."""
        converter, self._converter = self._converter, None
        return converter.flush() if converter else np.empty(0, np.int16)


def _whole(data: dict[str, Any], name: str, least: int, most: int) -> int:
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise WireError(f"{name} of an audio chunk is not from {least} to {most}")
    return value


def _frames(payload: bytes, width: int) -> Frames:
    """Signed little-endian samples of 2, 3 or 4 bytes, unsigned ones of 1; float32 but for 2 bytes."""
    if width == 2:
        return np.frombuffer(payload, "<i2").astype(np.int16, copy=False)
    if width == 1:
        return (np.frombuffer(payload, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
    wide = np.zeros((len(payload) // width, 4), np.uint8)
    wide[:, 4 - width :] = np.frombuffer(payload, np.uint8).reshape(-1, width)
    floats: npt.NDArray[np.float32] = (wide.view("<i4")[:, 0] / 2**31).astype(np.float32)
    return floats
