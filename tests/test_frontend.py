"""The front end equals its published arithmetic, bit for bit, and FrontendConfig says which."""

from __future__ import annotations

import dataclasses
import tracemalloc

import micro_frontend_reference as reference
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from signals import SIGNALS, bursts, noise, tone

from kws.frontend import Frontend, FrontendConfig
from kws.types import SAMPLE_RATE

RECORDINGS = [
    ("picovoice-wakeword", "alexa"),
    ("picovoice-wakeword", "jarvis"),
    ("libri-test-clean", ""),
    ("speechocean762", ""),
    ("kathleen-en", ""),
    ("kerstin-de", ""),
    ("gsc-background", ""),
    ("esc10", ""),
]


def package_features(samples: np.ndarray) -> np.ndarray:
    """The unsigned features of pymicro-features, int64 (t, 40); it returns them times 10 / 256."""
    from pymicro_features import MicroFrontend

    frontend, audio, rows = MicroFrontend(), samples.tobytes(), []
    for offset in range(0, len(audio) - 319, 320):
        features = frontend.process_samples(audio[offset : offset + 320]).features
        rows += [features] if features else []
    return np.rint(np.array(rows) * 25.6).astype(np.int64)


def assert_as_published(samples: np.ndarray) -> None:
    config = FrontendConfig()
    np.testing.assert_array_equal(package_features(samples), reference.features(samples, config))
    np.testing.assert_array_equal(Frontend().push(samples), reference.rows(samples, config))


def test_signals_are_as_published(signal):
    assert_as_published(signal)


@pytest.mark.recordings
@pytest.mark.parametrize(("corpus", "label"), RECORDINGS)
def test_recordings_are_as_published(recording, corpus, label):
    assert_as_published(recording(corpus, label)[: 6 * SAMPLE_RATE])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 5))
def test_any_noise_is_as_published(seed, decades):
    assert_as_published(noise(10**decades, seed)[: SAMPLE_RATE // 2])


# Every constant counts. Most move by one, or by the smallest step that their fixed-point form can tell apart.

CHANGED = {
    "sample_rate": 16_001,
    "window_samples": 481,
    "step_samples": 161,
    "fft_size": 1024,
    "channels": 41,
    "lower_hz": 126.0,
    "upper_hz": 7501.0,
    "window_bits": 13,
    "smoothing_bits": 11,
    "even_smoothing": 0.025 + 2**-14,
    "odd_smoothing": 0.06 + 2**-14,
    "min_signal_remaining": 0.15,  # PCAN squares small ratios: shares up to 0.08 of the signal all become 0
    "pcan_strength": 0.951,
    "pcan_offset": 81.0,
    "pcan_gain_bits": 22,
    "log_scale_shift": 7,
    "quantize_numerator": 257,
    "quantize_divisor": 667,
}
MODEL_SIDE = {"row_scale", "row_zero_point"}
"""What a row means to a model: held to the published models' own quantization in test_parity.py."""


def test_every_constant_is_held_to_something():
    assert {field.name for field in dataclasses.fields(FrontendConfig)} == CHANGED.keys() | MODEL_SIDE


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_constant_is_noticed(name):
    samples = np.concatenate([bursts(), noise(3_000), tone(440)])
    changed = dataclasses.replace(FrontendConfig(), **{name: CHANGED[name]})
    assert not np.array_equal(reference.rows(samples, changed), Frontend().push(samples))


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(FrontendConfig)])
def test_a_changed_constant_changes_the_digest(name):
    config = FrontendConfig()
    changed = dataclasses.replace(config, **{name: getattr(config, name) + 1})
    assert changed.digest != config.digest


def test_the_digest_is_the_same_in_every_process():
    assert FrontendConfig().digest == FrontendConfig(lower_hz=125.0).digest
    assert len(FrontendConfig().digest) == 16
    assert int(FrontendConfig().digest, 16)


# Physics


def loudest_channel(hz: float) -> int:
    rows = reference.magnitudes_of(tone(hz), FrontendConfig())
    return int(rows.mean(axis=0).argmax())


def test_a_tone_appears_in_its_mel_channel():
    config = FrontendConfig()
    low, high = reference.mel(np.array([config.lower_hz, config.upper_hz]))
    centres = 700 * np.expm1((low + (high - low) * np.arange(1, 41) / 41) / 1127)
    found = [loudest_channel(hz) for hz in centres[10:]]  # below, a channel is narrower than an FFT bin
    assert found == list(range(10, 40))


def test_a_steady_tone_is_suppressed_and_its_onset_is_not():
    rows = Frontend().push(np.concatenate([np.zeros(8_000, np.int16), tone(440)])).astype(int)
    onset, later = rows[50:54].max(axis=1).max(), rows[-1].max()
    assert onset > later + 50


def test_silence_is_the_lowest_value():
    assert (Frontend().push(SIGNALS["silence"]) == -128).all()


# Shapes, units and refusals


@pytest.mark.parametrize(("samples", "rows"), [(0, 0), (479, 0), (480, 1), (639, 1), (640, 2), (16_000, 98)])
def test_the_first_row_comes_after_30_ms_then_one_every_10(samples, rows):
    out = Frontend().push(np.zeros(samples, np.int16))
    assert out.shape == (rows, 40)
    assert out.dtype == np.int8


@given(st.integers(1, 10_000))
def test_rows_end_is_the_fewest_samples_that_give_that_many_rows(rows):
    end = FrontendConfig().rows_end(rows)
    assert (end - 480) // 160 + 1 == rows
    assert (end - 1 - 480) // 160 + 1 == rows - 1


def test_no_row_needs_no_samples():
    assert FrontendConfig().rows_end(0) == 0


@pytest.mark.parametrize(
    "wrong", [np.zeros(160, np.float32), np.zeros(160, ">i2"), np.zeros((160, 1), np.int16)]
)
def test_other_than_int16_mono_is_refused(wrong):
    with pytest.raises(ValueError, match="int16, shape"):
        Frontend().push(wrong)


def test_a_strided_view_is_read_as_its_values():
    samples = noise(3_000)
    stereo = np.stack([samples, -samples], axis=1)
    np.testing.assert_array_equal(Frontend().push(stereo[:, 0]), Frontend().push(samples))


@given(st.integers(0, 0xFFFF))
def test_quantize_is_the_rounded_quotient(feature):
    expected = min(max((feature * 256 + 333) // 666 - 128, -128), 127)
    assert FrontendConfig().quantize(np.array([feature], np.uint16))[0] == expected


def test_much_audio_at_once_takes_little_more_memory_than_its_rows():
    """A second hearing asks for 8 s at a candidate."""
    front_end, samples = Frontend(), np.random.default_rng(0).normal(0, 900, 8 * 16_000).astype(np.int16)
    front_end.push(samples[:1000])
    tracemalloc.start()
    try:
        front_end.push(samples)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_200_000
