"""int16 samples -> int8 rows: the micro front end of TensorFlow Lite Micro.

The arithmetic (Hann window, 512-point FFT, 40 mel channels, noise suppression, per-channel
automatic gain PCAN, logarithm) is TFLM's `micro_frontend` as ESPHome runs it, computed by the
package `pymicro-features`, so that one .tflite serves desktop, Pi and microcontroller.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cache

import numpy as np

from kws.digest import Digested
from kws.runtimes import missing_package
from kws.types import Rows, Samples


@dataclass(frozen=True)
class FrontendConfig(Digested):
    """Every constant of the front end: the one home of these numbers.

    Runtime, training caches and firmware read them here; their digest in each model bundle keeps a
    model from being run on features it was not trained on. `pymicro-features` has them compiled in:
    tests/test_frontend.py checks that package, bit for bit, against an implementation driven by this class.
    """

    sample_rate: int = 16_000
    """Hertz."""
    window_samples: int = 480
    """Analysis window, 30 ms."""
    step_samples: int = 160
    """From one row to the next, 10 ms."""
    fft_size: int = 512
    channels: int = 40
    """Mel filters, columns of a row."""
    lower_hz: float = 125.0
    upper_hz: float = 7500.0
    window_bits: int = 12
    """Fixed-point fraction of the Hann window."""
    smoothing_bits: int = 10
    """Noise suppression: extra fraction bits of the estimate."""
    even_smoothing: float = 0.025
    """Noise suppression: weight of the new frame in channels 0, 2, 4, ..."""
    odd_smoothing: float = 0.06
    """The same in channels 1, 3, 5, ..."""
    min_signal_remaining: float = 0.05
    """Noise suppression: share of the signal that is always kept."""
    pcan_strength: float = 0.95
    """Per-channel gain: exponent on the noise estimate."""
    pcan_offset: float = 80.0
    pcan_gain_bits: int = 21
    log_scale_shift: int = 6
    """The logarithm is scaled by 2 ** this."""
    quantize_numerator: int = 256
    """int8 = clamp((feature * numerator + divisor // 2) // divisor - 128)."""
    quantize_divisor: int = 666
    """25.6 * 26, rounded: TFLM's scaling of uint16 features to int8."""
    row_scale: float = 0.10196078568696976
    """What one int8 step means to a model: real = (int8 + 128) * row_scale."""
    row_zero_point: int = -128

    @property
    def row_seconds(self) -> float:
        """Time from one row to the next."""
        return self.step_samples / self.sample_rate

    def rows_end(self, rows: int) -> int:
        """Samples that had to be heard for the first `rows` rows (0 for none)."""
        return (rows - 1) * self.step_samples + self.window_samples if rows > 0 else 0

    def quantize(self, features: np.ndarray) -> Rows:
        """Unsigned features, any shape -> int8 of the same shape, as TFLM's micro_speech does it."""
        half = self.quantize_divisor // 2
        scaled = (features.astype(np.int32) * self.quantize_numerator + half) // self.quantize_divisor
        return np.clip(scaled - 128, -128, 127).astype(np.int8)


# pymicro-features returns its uint16 features times 10 / 256.
_PACKAGE_SCALE = 0.0390625


@cache
def _quantized_features() -> Rows:
    """Of every uint16."""
    return FrontendConfig().quantize(np.arange(1 << 16, dtype=np.uint16))


class Frontend:
    """A streaming Stage: int16 samples, shape (n,) -> int8 rows, shape (t, 40).

    The first row comes after 30 ms, then one every 10 ms. Noise estimate and gain adapt, so rows
    depend on all audio since the last reset.
    """

    def __init__(self) -> None:
        # The C functions behind pymicro_features.MicroFrontend, whose wrapper costs a dataclass per row.
        try:
            from micro_features_cpp import create_frontend, process_samples, reset_frontend
        except ModuleNotFoundError as error:
            raise missing_package("pymicro-features") from error
        self.config = FrontendConfig()
        self._quantized = _quantized_features()
        self._pack = struct.Struct(f"{self.config.channels}f").pack
        self._process = process_samples
        self._reset = reset_frontend
        self._state = create_frontend()
        self._pending = b""

    def push(self, samples: Samples) -> Rows:
        """Rows completed by these samples; ValueError unless int16 of one dimension."""
        if samples.dtype != np.int16 or samples.ndim != 1:
            raise ValueError(f"samples must be int16, shape (n,), not {samples.dtype} {samples.shape}")
        audio = self._pending + samples.tobytes()
        step = 2 * self.config.step_samples  # bytes; the package takes exactly one step a call
        whole = len(audio) - len(audio) % step
        process, state, pack = self._process, self._state, self._pack
        packed = []  # each row at once: as lists of floats, seconds of audio would take a megabyte
        for offset in range(0, whole, step):
            features, _ = process(state, audio[offset : offset + step])
            if features:
                packed.append(pack(*features))
        self._pending = audio[whole:]
        if not packed:
            return np.empty((0, self.config.channels), np.int8)
        scaled = np.frombuffer(b"".join(packed), np.float32)
        whole_numbers = np.rint(scaled / np.float32(_PACKAGE_SCALE)).astype(np.uint16)
        rows: Rows = self._quantized[whole_numbers].reshape(-1, self.config.channels)
        return rows

    def flush(self) -> Rows:
        """Nothing: samples short of a whole step are not heard."""
        return np.empty((0, self.config.channels), np.int8)

    def reset(self) -> None:
        """Forget all audio."""
        self._reset(self._state)
        self._pending = b""
