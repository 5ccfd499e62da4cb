"""The lower layers and the whole band's energies side by side, however the audio is cut."""

from __future__ import annotations

import numpy as np

from kws.encoders.full_band import FullBand, FullBandConfig
from kws.encoders.lower_layers import LowerLayers
from kws.types import Rows, Samples

CONFIG = FullBandConfig()
LOWER = CONFIG.lower.channels


def noise(seconds: float) -> Samples:
    return np.random.default_rng(3).normal(0, 1000, int(16000 * seconds)).astype(np.int16)


def tone(hertz: float) -> Rows:
    time = np.arange(16000) / 16000
    return FullBand().push((8000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16))


def energies(rows: Rows) -> np.ndarray:
    """Decimal logarithms, shape (log-mel rows, channels)."""
    real = (rows[:, LOWER:].astype(float) - CONFIG.row_zero_point) * CONFIG.row_scale
    return real.reshape(-1, CONFIG.log_mel.channels)


def test_what_the_lower_layers_say_comes_first() -> None:
    rows = FullBand().push(noise(1.0))
    assert (rows.dtype, rows.shape) == (np.int8, (24, CONFIG.channels))
    np.testing.assert_array_equal(rows[:, :LOWER], LowerLayers().push(noise(1.0)))


def test_tones_of_any_pitch_are_told_apart_by_where_they_are_loudest() -> None:
    loudest = [int(energies(tone(hertz))[10].argmax()) for hertz in (200, 1000, 3000, 5000, 7000)]
    assert loudest == sorted(set(loudest))


def test_a_tenth_of_the_sound_is_two_powers_of_ten_lower() -> None:
    loud = noise(1.0)
    soft = (loud / 10).astype(np.int16)
    difference = energies(FullBand().push(loud)) - energies(FullBand().push(soft))
    assert abs(difference.mean() - 2) < 0.05


def test_nothing_and_the_loudest_sound_stay_within_int8() -> None:
    silence = energies(FullBand().push(np.zeros(16000, np.int16)))
    assert (silence == (-128 - CONFIG.row_zero_point) * CONFIG.row_scale).all()
    loudest = FullBand().push((32767 * np.sign(noise(1.0))).astype(np.int16))[:, LOWER:]
    assert (loudest == 127).mean() < 0.1


def test_any_split_gives_the_same_and_a_reset_is_as_new() -> None:
    samples, stage = noise(1.0), FullBand()
    whole = stage.push(samples)
    stage.reset()
    pieces = [stage.push(part) for part in np.split(samples, [1, 399, 400, 5000, 5001])]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert stage.flush().shape == (0, CONFIG.channels)
