"""Any rate and channel count -> 16 kHz mono int16: physics first, then that chunks do not matter."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from kws.sources.conversion import Converter
from kws.types import SAMPLE_RATE, Samples

RATES = [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000]


def convert(frames: np.ndarray, rate: int, chunk: int | None = None) -> Samples:
    converter = Converter(rate)
    chunk = chunk or max(1, len(frames))
    pieces = [converter.push(frames[i : i + chunk]) for i in range(0, len(frames), chunk)]
    return np.concatenate([*pieces, converter.flush()])


def tone(hertz: float, rate: int, seconds: float = 1.0, amplitude: float = 0.5) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def level(samples: Samples) -> float:
    """Root mean square, full scale 1, of the middle half, where filters have settled."""
    quarter = len(samples) // 4
    return float(np.sqrt(np.mean((samples[quarter:-quarter] / 32768) ** 2)))


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_below_both_nyquist_frequencies_keeps_its_level_and_phase(rate: int) -> None:
    out = convert(tone(1_000, rate), rate)
    assert level(out) == pytest.approx(0.5 / np.sqrt(2), rel=1e-3)
    expected = tone(1_000, SAMPLE_RATE) * 32768
    middle = slice(4_000, 12_000)
    assert np.abs(out[middle] - expected[middle]).max() <= 2


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 96_000])
def test_a_tone_above_8_khz_vanishes(rate: int) -> None:
    assert level(convert(tone(9_500, rate), rate)) <= 2 / 32768


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("frames", [1, 100, 12_345])
def test_length_is_the_same_time(rate: int, frames: int) -> None:
    out = convert(np.zeros(frames, np.int16), rate)
    assert abs(len(out) - frames * SAMPLE_RATE / rate) <= 1


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("chunk", [1, 7, 441, 4_800])
@pytest.mark.parametrize("kind", [np.int16, np.float32])
def test_chunks_do_not_matter(rate: int, chunk: int, kind: type) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, (5_000, 2))
    frames = (noise * 32768).astype(np.int16) if kind is np.int16 else noise.astype(np.float32)
    np.testing.assert_array_equal(convert(frames, rate, chunk), convert(frames, rate))


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_flush_and_reset_equal_new(rate: int) -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, 9_000).astype(np.float32)
    converter = Converter(rate)
    converter.push(noise[::-1])
    converter.flush()
    after_flush = np.concatenate([converter.push(noise), converter.flush()])
    converter.push(noise[::-1])
    converter.reset()
    after_reset = np.concatenate([converter.push(noise), converter.flush()])
    np.testing.assert_array_equal(after_flush, convert(noise, rate))
    np.testing.assert_array_equal(after_reset, convert(noise, rate))


def test_equals_resampling_the_whole_at_once() -> None:
    noise = np.random.default_rng(3).normal(0, 0.1, 44_100).astype(np.float32)
    whole = soxr.resample(noise, 44_100, SAMPLE_RATE, quality="HQ") * 32768
    out = convert(noise, 44_100, 1_000)
    assert len(out) == len(whole)
    assert np.abs(out - whole).max() <= 1


def test_16_khz_mono_int16_passes_untouched() -> None:
    samples = np.arange(-32_768, 32_768, dtype=np.int32).astype(np.int16)
    np.testing.assert_array_equal(convert(samples, SAMPLE_RATE), samples)
    np.testing.assert_array_equal(convert(samples[:, None], SAMPLE_RATE), samples)


def test_float_is_rounded_and_clipped_to_int16() -> None:
    values = np.array([0, 1.4, 1.6, -1.6, 32_767, 32_768, 1e6, -32_768, -1e30]) / 32_768
    expected = [0, 1, 2, -2, 32_767, 32_767, 32_767, -32_768, -32_768]
    np.testing.assert_array_equal(convert(values.astype(np.float32), SAMPLE_RATE), expected)


def test_an_absurd_value_stays_local() -> None:
    frames = np.zeros(48_000, np.float32)
    frames[24_000] = 1e30
    out = convert(frames, 48_000)
    assert np.abs(out).max() < 32_767
    assert not out[:7_000].any()


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_channels_are_averaged(channels: int, rate: int) -> None:
    level_of = np.arange(1, channels + 1) * 1_000
    frames = np.tile(level_of.astype(np.int16), (rate, 1))
    middle = convert(frames, rate)[4_000:12_000]
    assert np.abs(middle - level_of.mean()).max() <= 1


def test_opposite_channels_cancel_and_full_scale_ones_do_not_overflow() -> None:
    opposite = np.array([[32_767, -32_767]] * 10, np.int16)
    assert not convert(opposite, SAMPLE_RATE).any()
    full = np.full((10, 2), -32_768, np.int16)
    np.testing.assert_array_equal(convert(full, SAMPLE_RATE), full[:, 0])
