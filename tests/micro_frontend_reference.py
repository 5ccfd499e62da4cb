"""TensorFlow Lite Micro's `micro_frontend` once more: slow, readable integer NumPy, driven by FrontendConfig.

It is the oracle for the compiled package that kws runs, and for every other version of the same
arithmetic. All frames go through the stages without memory at once, shape (frames, ...); the noise
estimate, the only memory, is followed frame by frame.

    int16 samples -> windowed frames -> FFT -> energy -> 40 mel channels -> square root
                  -> noise suppression -> PCAN gain -> logarithm -> unsigned features

Fixed point throughout: "14 bits" means that 2**14 stands for 1.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kws.frontend import FrontendConfig

# Widths of the arithmetic itself, not choices of a configuration.
FILTERBANK_BITS = 12
NOISE_BITS = 14
SNR_BITS = 12
SHRUNK_BITS = 6
GAIN_INTERVALS = 32
LOG_BITS = 16
LOG_SEGMENT_BITS = 7
FFT_BITS = 15
FFT_ONE = 32767
HALF = np.float32(0.5)


def features(samples: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """int16 samples (n,) -> unsigned features (t, channels), from a front end that heard nothing before."""
    kept, noise = suppress_noise(magnitudes_of(samples, config), config)
    return log_scale(pcan(kept, noise, config), config)


def magnitudes_of(samples: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """int16 samples (n,) -> magnitudes of the mel channels (t, channels): all stages without memory."""
    frames = windowed(samples, config)
    shifts = headroom(frames)
    return magnitudes(real_fft(frames, shifts, config.fft_size), shifts, config)


def rows(samples: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """The features as a model takes them: int8 (t, channels)."""
    return config.quantize(features(samples, config))


# Window


def windowed(samples: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """Overlapping frames under a Hann window, int16 (frames, window), from the first full window on."""
    if len(samples) < config.window_samples:
        return np.empty((0, config.window_samples), np.int16)
    frames = np.lib.stride_tricks.sliding_window_view(samples, config.window_samples)[:: config.step_samples]
    return (frames.astype(np.int32) * hann(config) >> config.window_bits).astype(np.int16)


def hann(config: FrontendConfig) -> np.ndarray:
    """Hann coefficients, sampled at the middle of each sample's interval, int32 (window,).

    In single precision at every step: with a double cosine coefficient 17 of 480 rounds the other way,
    which pure tones show.
    """
    middle = np.arange(config.window_samples, dtype=np.float32) + HALF
    curve = HALF - HALF * cosf(np.float32(2 * np.pi / config.window_samples) * middle)
    return np.floor(curve * np.float32(1 << config.window_bits) + HALF).astype(np.int32)


def headroom(frames: np.ndarray) -> np.ndarray:
    """Left shift that brings each frame's peak to 15 bits, int32 (frames,).

    Magnitudes are taken in int16, where -32768 has no opposite and stays negative: it never is the peak.
    """
    with np.errstate(over="ignore"):
        peak = np.abs(frames).max(axis=1, initial=0)
    return 15 - bit_length(peak)


# Fourier transform


def real_fft(frames: np.ndarray, shifts: np.ndarray, size: int) -> np.ndarray:
    """Spectrum in kissfft's 16-bit arithmetic, int32 (frames, size // 2 + 1, 2), scaled by 1 / size.

    Even samples become the real parts and odd ones the imaginary parts of a complex signal of half the
    length; the two interleaved spectra are then separated and joined by one more butterfly.
    """
    padded = np.zeros((len(frames), size), np.int32)
    padded[:, : frames.shape[1]] = frames.astype(np.int32) << shifts[:, None]
    half = size // 2
    z = complex_fft(wrap16(padded).reshape(len(frames), half, 2))
    return _separate(z, half)


def _separate(z: np.ndarray, half: int) -> np.ndarray:
    spectrum = np.zeros((len(z), half + 1, 2), np.int32)
    z = divided(z, 2)
    spectrum[:, 0, 0] = wrap16(z[:, 0, 0] + z[:, 0, 1])
    spectrum[:, half, 0] = wrap16(z[:, 0, 0] - z[:, 0, 1])
    k = np.arange(1, half // 2 + 1)
    mirrored = wrap16(z[:, half - k] * [1, -1])
    even = wrap16(z[:, k] + mirrored)
    turned = rotated(wrap16(z[:, k] - mirrored), twiddle(-np.pi * (k / half + 0.5)))
    spectrum[:, k] = even + turned >> 1
    spectrum[:, half - k] = (even - turned) * [1, -1] >> 1
    return spectrum


def complex_fft(z: np.ndarray) -> np.ndarray:
    """Decimation in time, radix 4 while it divides, else 2; int32 (frames, n, 2), scaled by 1 / n."""
    n = z.shape[1]
    if n == 1:
        return z
    radix = 4 if n % 4 == 0 else 2
    parts = [divided(complex_fft(z[:, start::radix]), radix) for start in range(radix)]
    phase = -2 * np.pi * np.arange(n // radix) / n
    parts = [parts[0]] + [rotated(part, twiddle(phase * i)) for i, part in enumerate(parts[1:], 1)]
    return np.concatenate(_butterfly4(*parts) if radix == 4 else _butterfly2(*parts), axis=1)


def _butterfly2(a: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
    return [wrap16(a + b), wrap16(a - b)]


def _butterfly4(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> list[np.ndarray]:
    difference = (b - d)[..., ::-1] * [1, -1]  # times -i
    return [wrap16(out) for out in (a + c + (b + d), a - c + difference, a + c - (b + d), a - c - difference)]


def twiddle(phase: np.ndarray) -> np.ndarray:
    """exp(i phase) in 15 bits, int32 (n, 2)."""
    circle = np.stack([np.cos(phase), np.sin(phase)], axis=-1)
    return np.floor(0.5 + FFT_ONE * circle).astype(np.int32)


def rotated(z: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Complex product, rounded to 15 bits."""
    real = z[..., 0] * by[..., 0] - z[..., 1] * by[..., 1]
    imaginary = z[..., 0] * by[..., 1] + z[..., 1] * by[..., 0]
    return _rounded15(np.stack([real, imaginary], axis=-1))


def divided(z: np.ndarray, divisor: int) -> np.ndarray:
    """Division as kissfft has it: multiplied by the truncated reciprocal, so that sums cannot overflow."""
    return _rounded15(z * (FFT_ONE // divisor))


def _rounded15(product: np.ndarray) -> np.ndarray:
    return wrap16(product + (1 << FFT_BITS - 1) >> FFT_BITS)


# Mel filterbank


@dataclass(frozen=True)
class Filterbank:
    """Triangles on the mel scale: each FFT bin is shared between one channel and the next."""

    first: int
    """The lowest bin in use."""
    channel: np.ndarray
    """Which of channels + 1 rising edges each bin lies on, (bins,)."""
    weight: np.ndarray
    """The bin's share for the channel whose falling edge this is, 12 bits, (bins,)."""
    unweight: np.ndarray
    """The share of the channel above."""


def filterbank(config: FrontendConfig) -> Filterbank:
    """Bin by bin the two channels it belongs to and the shares, in the original's single precision."""
    hz_per_bin = np.float32(0.5 * config.sample_rate / (config.fft_size // 2))
    low, high = mel(np.array([config.lower_hz, config.upper_hz], np.float32))
    spacing = (high - low) / np.float32(config.channels + 1)
    edges = low + spacing * np.arange(config.channels + 2, dtype=np.float32)
    first = int(1.5 + config.lower_hz / float(hz_per_bin))  # never bin 0, the constant part
    bins = mel(np.arange(first, config.fft_size // 2 + 1, dtype=np.float32) * hz_per_bin)
    bins = bins[bins <= edges[-1]]
    channel = np.searchsorted(edges[1:], bins, side="left")
    share = (edges[channel + 1] - bins) / (edges[channel + 1] - edges[channel])
    return Filterbank(first, channel, _bits12(share), _bits12(1 - share))


def mel(hz: np.ndarray) -> np.ndarray:
    """Mel of hertz, float32."""
    return np.float32(1127) * log1pf(hz / np.float32(700))


def _bits12(share: np.ndarray) -> np.ndarray:
    return np.floor(share * np.float32(1 << FILTERBANK_BITS) + HALF).astype(np.int64)


def magnitudes(spectra: np.ndarray, shifts: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """Root of each channel's energy with the headroom shift undone, int64 (frames, channels)."""
    bank = filterbank(config)
    used = spectra[:, bank.first : bank.first + len(bank.channel)].astype(np.int64)
    energy = np.square(used).sum(axis=2)
    sums = np.zeros((len(spectra), config.channels + 2), np.int64)
    for column, channel in enumerate(bank.channel):
        sums[:, channel] += bank.weight[column] * energy[:, column]
        sums[:, channel + 1] += bank.unweight[column] * energy[:, column]
    return square_root(sums[:, 1:-1]) >> shifts[:, None]


def square_root(values: np.ndarray) -> np.ndarray:
    """Nearest whole root; those of 32-bit values stay within 16 bits."""
    root = np.sqrt(values.astype(np.float64)).astype(np.int64)
    root -= root * root > values
    root += (root + 1) * (root + 1) <= values
    nearest = root + (values - root * root > root)
    return np.where(values < 1 << 32, np.minimum(nearest, 0xFFFF), nearest)


# Noise suppression


def suppress_noise(signal: np.ndarray, config: FrontendConfig) -> tuple[np.ndarray, np.ndarray]:
    """Subtract a slow average per channel; what is left, and the average, both int64 (frames, channels)."""
    smoothing = np.full(config.channels, int(config.even_smoothing * (1 << NOISE_BITS)))
    smoothing[1::2] = int(config.odd_smoothing * (1 << NOISE_BITS))
    floor = signal * int(config.min_signal_remaining * (1 << NOISE_BITS)) >> NOISE_BITS
    scaled = signal << config.smoothing_bits & 0xFFFFFFFF
    noise = np.empty_like(signal)
    estimate = np.zeros(config.channels, np.int64)
    for frame, value in enumerate(scaled):
        estimate = value * smoothing + estimate * ((1 << NOISE_BITS) - smoothing) >> NOISE_BITS
        noise[frame] = estimate
    left = scaled - np.minimum(noise, scaled) >> config.smoothing_bits
    return np.maximum(left, floor), noise


# Per-channel amplitude normalisation (PCAN)


def pcan(signal: np.ndarray, noise: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """signal * gain(noise), then compressed: square below a ratio of 2, straight above."""
    ratio = signal * gain(noise, config) >> config.pcan_gain_bits - correction_bits(config) - SNR_BITS
    ratio &= 0xFFFFFFFF
    square = ratio * ratio >> 2 + 2 * SNR_BITS - SHRUNK_BITS
    straight = (ratio >> SNR_BITS - SHRUNK_BITS) - (1 << SHRUNK_BITS)
    return np.where(ratio < 2 << SNR_BITS, square, straight)


def gain(noise: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """(noise + offset) ** -strength, by a parabola per octave of the noise estimate."""
    start, slope, curve = gain_table(config)
    octave = bit_length(noise)
    fraction = shifted(noise, 11 - octave) & 0x3FF
    parabola = ((curve[octave] * fraction >> 5) + (slope[octave] << 5)) * fraction
    smooth = start[octave] + (parabola + (1 << 14) >> 15)
    return np.where(noise <= 2, exact_gain(np.arange(3), config)[np.minimum(noise, 2)], smooth)


def gain_table(config: FrontendConfig) -> np.ndarray:
    """Start, slope and curve of each octave [2**(i-1), 2**i), through its ends and middle; int64 (3, 33)."""
    low = 1 << np.arange(1, GAIN_INTERVALS, dtype=np.int64)
    high = np.minimum(2 * low, (1 << GAIN_INTERVALS) - 1)
    start, middle, end = (exact_gain(x, config) for x in (low, low + (low >> 1), high))
    slope = 4 * (middle - start) - (end - start)
    table = np.zeros((3, GAIN_INTERVALS + 1), np.int64)
    table[:, 2:] = wrap16(np.stack([start, slope, end - start - slope]))
    return table


def exact_gain(noise: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """The function that the table approximates, in single precision, at most 0x7FFF."""
    x = noise.astype(np.float32) / np.float32(1 << config.smoothing_bits - correction_bits(config))
    power = powf(x + np.float32(config.pcan_offset), np.float32(-config.pcan_strength))
    value = np.float32(1 << config.pcan_gain_bits) * power
    return np.minimum(value + HALF, np.float32(0x7FFF)).astype(np.int64)


def correction_bits(config: FrontendConfig) -> int:
    """Bits by which magnitudes are short: the FFT's 1 / size against the root of the filter weights."""
    return config.fft_size.bit_length() - 1 - FILTERBANK_BITS // 2


# Logarithm


def log_scale(signal: np.ndarray, config: FrontendConfig) -> np.ndarray:
    """Natural logarithm times 2**scale_shift, 0 for values up to 1; at most 0xFFFF, (frames, channels)."""
    value = signal << correction_bits(config) & 0xFFFFFFFF
    ln2, half = round(np.log(2) * (1 << LOG_BITS)), 1 << LOG_BITS - 1
    natural = log2(np.maximum(value, 1)) * ln2 + half >> LOG_BITS
    scaled = (natural << config.log_scale_shift) + half >> LOG_BITS
    return np.where(value > 1, np.minimum(scaled, 0xFFFF), 0)


def log2(value: np.ndarray) -> np.ndarray:
    """Binary logarithm in 16 bits: the mantissa itself, plus a correction interpolated from 128 segments."""
    whole = bit_length(value) - 1
    fraction = shifted(value - (1 << whole), LOG_BITS - whole)
    table = log2_correction()
    segment = fraction >> LOG_BITS - LOG_SEGMENT_BITS
    inside = fraction - (segment << LOG_BITS - LOG_SEGMENT_BITS)
    correction = table[segment] + ((table[segment + 1] - table[segment]) * inside >> LOG_BITS)
    return (whole << LOG_BITS) + fraction + correction


def log2_correction() -> np.ndarray:
    """log2(1 + x) - x at the 129 ends of the segments of [0, 1], 16 bits."""
    x = np.arange((1 << LOG_SEGMENT_BITS) + 1) / (1 << LOG_SEGMENT_BITS)
    return np.rint((np.log2(1 + x) - x) * (1 << LOG_BITS)).astype(np.int64)


# Numbers


def wrap16(values: np.ndarray) -> np.ndarray:
    """int32 values as 16 bits hold them."""
    return values.astype(np.int16).astype(np.int32)


def bit_length(values: np.ndarray) -> np.ndarray:
    """Bits up to the highest one set, 0 for values <= 0; exact below 2**53."""
    return np.frexp(np.maximum(values, 0).astype(np.float64))[1].astype(np.int64)


def shifted(values: np.ndarray, left: np.ndarray) -> np.ndarray:
    """values << left, to the right where `left` is negative."""
    return np.where(left >= 0, values << np.maximum(left, 0), values >> np.maximum(-left, 0))


def _single_precision(name: str, arguments: int) -> Callable[..., np.ndarray]:
    """A function of this machine's C library, over float32 arrays.

    The package calls the same one, so both round alike: C libraries differ in the last bit of log1pf,
    which moves filter weights by one, and NumPy has its own versions on some processors.
    """
    library = ctypes.CDLL("ucrtbase" if os.name == "nt" else ctypes.util.find_library("m"))
    function = library[name]
    function.argtypes, function.restype = [ctypes.c_float] * arguments, ctypes.c_float
    return np.vectorize(function, otypes=[np.float32])


cosf = _single_precision("cosf", 1)
log1pf = _single_precision("log1pf", 1)
powf = _single_precision("powf", 2)
