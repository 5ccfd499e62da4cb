"""The front end's tables, from FrontendConfig: what TensorFlow Lite Micro computes with floats at start-up.

All steps are exactly rounded or prescribed, so the tables are the same wherever one exports. C libraries
differ in the last bit of `log1pf`, which moves filter weights by one; here it is that of fdlibm, from which
many of them descend (newlib on microcontrollers, glibc before 2.41); see firmware_export.c_library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from kws.frontend import FrontendConfig

Array = npt.NDArray[Any]
Single = npt.NDArray[np.float32]
Log1p = Callable[[Single], Single]

FFT_ONE = 32767
FILTERBANK_BITS = 12
NOISE_BITS = 14
OCTAVES = 32
LOG_BITS = 16
LOG_SEGMENTS = 128


def constants(config: FrontendConfig) -> dict[str, int]:
    """Macros of kws_config.h."""
    bank = Filterbank(config)
    return {
        "KWS_SAMPLE_RATE": config.sample_rate,
        "KWS_WINDOW_SAMPLES": config.window_samples,
        "KWS_STEP_SAMPLES": config.step_samples,
        "KWS_WINDOW_BITS": config.window_bits,
        "KWS_FFT_SIZE": config.fft_size,
        "KWS_CHANNELS": config.channels,
        "KWS_MEL_FIRST_BIN": bank.first,
        "KWS_MEL_BINS": len(bank.edge),
        "KWS_SMOOTHING_BITS": config.smoothing_bits,
        "KWS_EVEN_SMOOTHING": int(config.even_smoothing * (1 << NOISE_BITS)),
        "KWS_ODD_SMOOTHING": int(config.odd_smoothing * (1 << NOISE_BITS)),
        "KWS_MIN_SIGNAL_REMAINING": int(config.min_signal_remaining * (1 << NOISE_BITS)),
        "KWS_GAIN_BITS": config.pcan_gain_bits,
        "KWS_CORRECTION_BITS": correction_bits(config),
        "KWS_LOG_SCALE_SHIFT": config.log_scale_shift,
        "KWS_QUANTIZE_NUMERATOR": config.quantize_numerator,
        "KWS_QUANTIZE_DIVISOR": config.quantize_divisor,
    }


def tables(config: FrontendConfig) -> dict[str, tuple[str, Array]]:
    """Name -> C type and values, in the order of frontend.h."""
    half = config.fft_size // 2
    bank = Filterbank(config)
    start, slope, curve = gain_table(config)
    return {
        "kws_hann": ("int16_t", hann(config)),
        "kws_twiddles": ("int16_t", twiddles(-2 * np.pi * np.arange(half) / half)),
        "kws_real_twiddles": (
            "int16_t",
            twiddles(-np.pi * (np.arange(1, half // 2 + 1) / half + 0.5)),
        ),
        "kws_mel_edge": ("uint8_t", bank.edge),
        "kws_mel_weight": ("uint16_t", bank.weight),
        "kws_mel_unweight": ("uint16_t", bank.unweight),
        "kws_gain_of_quiet": ("int16_t", exact_gain(np.arange(3), config)),
        "kws_gain_start": ("int16_t", start),
        "kws_gain_slope": ("int16_t", slope),
        "kws_gain_curve": ("int16_t", curve),
        "kws_log2_correction": ("uint16_t", log2_correction()),
    }


def hann(config: FrontendConfig) -> Array:
    """Hann coefficients at the middle of each sample's interval, (window,)."""
    middle = np.arange(config.window_samples, dtype=np.float32) + np.float32(0.5)
    angle = np.float32(2 * np.pi / config.window_samples) * middle
    curve = np.float32(0.5) - np.float32(0.5) * _rounded(np.cos(angle.astype(np.float64)))
    return np.asarray(np.floor(curve * np.float32(1 << config.window_bits) + np.float32(0.5)), np.int64)


def twiddles(phase: Array) -> Array:
    """exp(i phase), 15 bits, (2 n,): real and imaginary parts in turn."""
    circle = np.stack([np.cos(phase), np.sin(phase)], axis=-1)
    return np.asarray(np.floor(0.5 + FFT_ONE * circle), np.int64).ravel()


class Filterbank:
    """Triangles on the mel scale: each FFT bin is shared between a channel and the next one."""

    def __init__(self, config: FrontendConfig, log1p: Log1p | None = None) -> None:
        hz_per_bin = np.float32(0.5 * config.sample_rate / (config.fft_size // 2))
        low, high = mel(np.array([config.lower_hz, config.upper_hz], np.float32), log1p)
        spacing = (high - low) / np.float32(config.channels + 1)
        edges = low + spacing * np.arange(config.channels + 2, dtype=np.float32)
        self.first = int(1.5 + config.lower_hz / float(hz_per_bin))
        bins = mel(np.arange(self.first, config.fft_size // 2, dtype=np.float32) * hz_per_bin, log1p)
        bins = bins[bins <= edges[-1]]
        self.edge = np.searchsorted(edges[1:], bins, side="left")
        share = (edges[self.edge + 1] - bins) / (edges[self.edge + 1] - edges[self.edge])
        self.weight, self.unweight = _bits12(share), _bits12(np.float32(1) - share)


def mel(hz: Single, given: Log1p | None = None) -> Single:
    """Mel of hertz, by the logarithm given or by fdlibm's."""
    return np.float32(1127) * (given or log1p)(hz / np.float32(700))


def _bits12(share: Single) -> Array:
    return np.asarray(np.floor(share * np.float32(1 << FILTERBANK_BITS) + np.float32(0.5)), np.int64)


def gain_table(config: FrontendConfig) -> Array:
    """Start, slope, curve of each octave [2**(i-1), 2**i) of noise, through its ends and middle; (3, 33)."""
    low = 1 << np.arange(1, OCTAVES, dtype=np.int64)
    high = np.minimum(2 * low, (1 << OCTAVES) - 1)
    start, middle, end = (exact_gain(x, config) for x in (low, low + (low >> 1), high))
    slope = 4 * (middle - start) - (end - start)
    table = np.zeros((3, OCTAVES + 1), np.int64)
    table[:, 2:] = np.stack([start, slope, end - start - slope])
    return table


def exact_gain(noise: Array, config: FrontendConfig) -> Array:
    """(noise + offset) ** -strength * 2**gain_bits, in single precision, at most 0x7FFF."""
    x = noise.astype(np.float32) / np.float32(1 << config.smoothing_bits - correction_bits(config))
    base = (x + np.float32(config.pcan_offset)).astype(np.float64)
    power = _rounded(base ** np.float64(np.float32(-config.pcan_strength)))
    value = np.float32(1 << config.pcan_gain_bits) * power
    return np.asarray(np.minimum(value + np.float32(0.5), np.float32(0x7FFF)), np.int64)


def correction_bits(config: FrontendConfig) -> int:
    """Bits by which magnitudes are short: the FFT's 1 / size against the root of the filter weights."""
    return config.fft_size.bit_length() - 1 - FILTERBANK_BITS // 2


def log2_correction() -> Array:
    """log2(1 + x) - x at the 129 ends of the segments of [0, 1], 16 bits."""
    x = np.arange(LOG_SEGMENTS + 1) / LOG_SEGMENTS
    return np.asarray(np.rint((np.log2(1 + x) - x) * (1 << LOG_BITS)), np.int64)


# ln 2 in two parts, and the series for log(1 + f) = f - f*f/2 + s * (f*f/2 + R(s*s)) with s = f / (2 + f).
_LN2_HIGH, _LN2_LOW = np.float32(6.9313812256e-01), np.float32(9.0580006145e-06)
_SERIES = [
    np.float32(value)
    for value in (
        6.6666668653e-01,
        4.0000000596e-01,
        2.8571429849e-01,
        2.2222198546e-01,
        1.8183572590e-01,
        1.5313838422e-01,
        1.4798198640e-01,
    )
]
_ROOT_OF_2_MANTISSA = 0x3504F7
_ROOT_OF_2_LESS_1 = np.float32(0.41421356)


def log1p(x: Single) -> Single:
    """log(1 + x) of numbers from 0 on, in the single-precision steps of fdlibm's s_log1pf.c."""
    one, half = np.float32(1), np.float32(0.5)
    u = one + x
    fraction, exponent = np.frexp(u)
    mantissa, power = fraction * np.float32(2), exponent - 1
    lost = np.where(power > 0, one - (u - x), x - (u - one)) / u
    above = mantissa.view(np.int32) & 0x7FFFFF >= _ROOT_OF_2_MANTISSA
    power, mantissa = np.where(above, power + 1, power), np.where(above, mantissa * half, mantissa)
    near = x < _ROOT_OF_2_LESS_1
    f = np.where(near, x, mantissa - one)
    k = np.where(near, 0, power).astype(np.float32)
    square, s = half * f * f, f / (np.float32(2) + f)
    z = s * s
    series = np.zeros_like(z)
    for coefficient in reversed(_SERIES):
        series = z * (coefficient + series)
    rest = np.where(near, np.float32(0), k * _LN2_LOW + lost)
    small = f - (square - s * (square + series))
    large = k * _LN2_HIGH - ((square - (s * (square + series) + rest)) - f)
    return np.where(k == 0, small, large).astype(np.float32)


def _rounded(values: Array) -> Single:
    """Doubles to the nearest single: within the steps above this is what an exactly rounding libm returns."""
    return values.astype(np.float32)
