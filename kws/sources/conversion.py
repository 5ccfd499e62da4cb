"""Samples of any rate and channel count -> 16 kHz mono int16, the form of every Block."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kws.errors import SourceError
from kws.types import SAMPLE_RATE, Samples

RATES = (1_000, 768_000)
"""Lowest and highest rate taken for audio, hertz; anything else is a damaged header."""
MAX_CHANNELS = 1_024
"""libsndfile's own limit."""

_FULL_SCALE = 32_768
"""int16 = round(32768 * float), clipped to -32768 ... 32767; the inverse divides by the same."""

Pcm = npt.NDArray[np.int16] | npt.NDArray[np.float32]
"""Interleaved frames, shape (frames,) or (frames, channels): int16, or float32 with full scale at 1."""


class Converter:
    """A streaming Stage: frames of one rate -> samples, shape (m,).

    Channels are averaged, floats beyond full scale are clipped, rates changed by libsoxr at its high
    quality (flat to about 0.91 of the lower Nyquist frequency). 16 kHz mono int16 passes untouched.
    """

    def __init__(self, rate: int) -> None:
        self._resampler = None
        if rate != SAMPLE_RATE:
            try:
                import soxr
            except ModuleNotFoundError as error:
                raise SourceError(
                    f"audio of {rate} hertz: soxr is not installed, so only {SAMPLE_RATE} hertz is heard; "
                    "record at that rate, or install soxr (Debian: python3-soxr)"
                ) from error
            self._resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32", quality="HQ")

    def push(self, frames: Pcm) -> Samples:
        """The samples that these frames complete."""
        if self._resampler is None:
            return _to_int16(_mono(frames))
        return _to_int16(self._resampler.resample_chunk(_to_float32(_mono(frames))))

    def flush(self) -> Samples:
        """The samples still held by the resampler's filter; the next push begins a new stretch of audio."""
        if self._resampler is None:
            return np.empty(0, np.int16)
        tail = _to_int16(self._resampler.resample_chunk(np.empty(0, np.float32), last=True))
        self.reset()
        return tail

    def reset(self) -> None:
        """Forget what is held."""
        if self._resampler is not None:
            self._resampler.clear()


def _mono(frames: Pcm) -> Pcm:
    """Average of the channels; float32 unless there was one channel only."""
    if frames.ndim == 1:
        return frames
    if frames.shape[1] == 1:
        return frames[:, 0]
    average: npt.NDArray[np.float32] = _to_float32(frames).mean(axis=1)
    return average


def _to_float32(frames: Pcm) -> npt.NDArray[np.float32]:
    """Full scale at 1, never beyond: a resampler would spread one absurd value over its neighbours."""
    if frames.dtype == np.int16:
        return frames.astype(np.float32) / np.float32(_FULL_SCALE)
    clipped: npt.NDArray[np.float32] = np.clip(frames, -1, 1, dtype=np.float32)
    return clipped


def _to_int16(frames: Pcm) -> Samples:
    if frames.dtype == np.int16:
        return np.ascontiguousarray(frames, np.int16)
    # Clipped first: a float file may hold values too large to be multiplied.
    scaled = np.rint(_to_float32(frames) * np.float32(_FULL_SCALE))
    samples: Samples = np.minimum(scaled, _FULL_SCALE - 1).astype(np.int16)
    return samples
