"""int16 samples -> float32 log-mel rows: the front end that Google's speech embedding hears through.

The published network (Lin et al. 2020, "Training keyword spotters with limited and synthesized speech
data") comes with a front end as two convolutions of 257 x 512 weights each. They are the real and the
imaginary part of a windowed Fourier transform, so an FFT gives the same values for a tenth of the work.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kws.digest import Digested
from kws.types import SAMPLE_RATE, Samples

LogMelRows = npt.NDArray[np.float32]
"""Shape (t, channels), one row every 10 ms."""

_AT_ONCE = 24
"""Rows computed together, whose spectra take 100 kB. Of more, glibc gives the memory back to the system after
each block and asks for it again (above 128 kB, mallopt(3)), which takes as long as the arithmetic."""


@dataclass(frozen=True)
class LogMelConfig(Digested):
    """Every constant of this front end: the one home of these numbers."""

    sample_rate: int = SAMPLE_RATE
    """Hertz."""
    window_samples: int = 400
    """Hann window, 25 ms."""
    step_samples: int = 160
    """From one row to the next, 10 ms."""
    fft_size: int = 512
    channels: int = 32
    """Mel filters, columns of a row."""
    lower_hz: float = 60.0
    upper_hz: float = 3800.0
    floor: float = 1e-10
    """Power below which all is silence; samples count as integers, so a single unit lies far above."""
    offset: float = 2.0
    """Added to the decimal logarithm of a channel's power."""

    def rows_end(self, rows: int) -> int:
        """Samples that had to be heard for the first `rows` rows (0 for none)."""
        return (rows - 1) * self.step_samples + self.window_samples if rows > 0 else 0

    def window(self) -> npt.NDArray[np.float64]:
        """Periodic Hann window, shape (window_samples,)."""
        return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(self.window_samples) / self.window_samples)

    def mel_weights(self) -> npt.NDArray[np.float64]:
        """Triangles of equal area on Slaney's mel scale, shape (fft_size // 2 + 1, channels)."""
        mels = np.linspace(_mel(self.lower_hz), _mel(self.upper_hz), self.channels + 2)
        corners = np.array([_hertz(mel) for mel in mels])
        left, centre, right = corners[:-2], corners[1:-1], corners[2:]
        bins = np.arange(self.fft_size // 2 + 1)[:, None] * self.sample_rate / self.fft_size  # Hz
        rise, fall = (bins - left) / (centre - left), (right - bins) / (right - centre)
        weights: npt.NDArray[np.float64] = np.maximum(0, np.minimum(rise, fall)) * 2 / (right - left)
        return weights


class LogMel:
    """A streaming Stage: int16 samples, shape (n,) -> float32 log-mel rows, shape (t, channels).

    The first row comes after 25 ms, then one every 10 ms; a row depends on its own 25 ms alone. The
    published front end ends by lifting everything that is 80 dB below the loudest value of a call; that
    depends on how much audio is handed over at once, so it is left out here (docs/decisions/0008).

    Args:
        together: rows that come at once, or a multiple of them; for who needs so many to go on, since one
            call costs about as much as a row of it.
        config: other filters than those that the speech embedding hears through.
    """

    _pending: Samples

    def __init__(self, together: int = 1, config: LogMelConfig | None = None) -> None:
        self.config, self._together = config or LogMelConfig(), together
        weights = self.config.mel_weights()
        heard = np.flatnonzero(weights.any(axis=1))
        self._bins = slice(int(heard[0]), int(heard[-1]) + 1)
        self._weights = weights[self._bins].astype(np.float32)
        self._window = self.config.window().astype(np.float32)
        self.reset()

    def push(self, samples: Samples) -> LogMelRows:
        """Rows completed by these samples; ValueError unless int16 of one dimension."""
        if samples.dtype != np.int16 or samples.ndim != 1:
            raise ValueError(f"samples must be int16, shape (n,), not {samples.dtype} {samples.shape}")
        audio = np.concatenate([self._pending, samples])
        step, window = self.config.step_samples, self.config.window_samples
        rows = max(0, (len(audio) - window) // step + 1)
        rows -= rows % self._together
        self._pending = audio[rows * step :]
        if not rows:
            return np.empty((0, self.config.channels), np.float32)
        # What sliding_window_view gives, which by itself takes as long as the spectrum of a row.
        strides = (step * audio.itemsize, audio.itemsize)
        frames = np.ndarray((rows, window), audio.dtype, audio, strides=strides)
        return np.concatenate([self._rows(frames[at : at + _AT_ONCE]) for at in range(0, rows, _AT_ONCE)])

    def flush(self) -> LogMelRows:
        """Nothing: samples short of whole rows are not heard."""
        return np.empty((0, self.config.channels), np.float32)

    def reset(self) -> None:
        """Forget all audio."""
        self._pending = np.empty(0, np.int16)

    def _rows(self, frames: npt.NDArray[np.int16]) -> LogMelRows:
        spectrum = np.fft.rfft(frames * self._window, self.config.fft_size)[:, self._bins]
        power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32, copy=False)
        # One product per row: a product of all rows at once would round differently with their number.
        mels = np.matmul(power[:, None], self._weights)[:, 0]
        rows: LogMelRows = np.log10(np.maximum(mels, np.float32(self.config.floor)))
        rows += np.float32(self.config.offset)
        return rows


# Slaney's mel scale (Auditory Toolbox, 1998): linear up to 1 kHz, then 27 steps for a factor of 6.4.
_LINEAR_HZ = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR_HZ
_LOG_STEP = np.log(6.4) / 27


def _mel(hertz: float) -> float:
    if hertz < _BREAK_HZ:
        return hertz / _LINEAR_HZ
    return _BREAK_MEL + float(np.log(hertz / _BREAK_HZ) / _LOG_STEP)


def _hertz(mel: float) -> float:
    if mel < _BREAK_MEL:
        return mel * _LINEAR_HZ
    return float(_BREAK_HZ * np.exp(_LOG_STEP * (mel - _BREAK_MEL)))
