"""Voice transformation is held to physics: pitch and formants each move by their own factor, and alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("pyworld")

from kws.types import SAMPLE_RATE, Samples
from training.material.voice_change import VoiceChange, change_voice, random_change

FORMANTS = (700.0, 1200.0, 2600.0)
PITCH = 120.0


@pytest.fixture(scope="module")
def vowel() -> Samples:
    """A second of "ah": pulses at 120 Hz through three resonances 80 Hz wide."""
    from scipy.signal import lfilter

    y = np.zeros(SAMPLE_RATE)
    y[(np.arange(int(PITCH)) * SAMPLE_RATE / PITCH).astype(int)] = 1
    for hertz in FORMANTS:
        radius = np.exp(-np.pi * 80 / SAMPLE_RATE)
        y = lfilter([1], [1, -2 * radius * np.cos(2 * np.pi * hertz / SAMPLE_RATE), radius**2], y)
    return np.rint(y / np.abs(y).max() * 12_000).astype(np.int16)


def pitch_of(samples: Samples) -> float:
    """By autocorrelation of the middle, to the sample: the first peak near the highest, no multiple."""
    x = samples[4000:12_000].astype(float)
    lags = np.arange(SAMPLE_RATE // 400, SAMPLE_RATE // 60)
    r = [x[: -lags[-1]] @ x[lag : len(x) - lags[-1] + lag] for lag in lags]
    first = int(np.argmax(r >= 0.85 * max(r)))
    return SAMPLE_RATE / float(lags[first + int(np.argmax(r[first : first + 20]))])


def formants_of(samples: Samples) -> np.ndarray:
    """Resonances by linear prediction of order 8 (autocorrelation method), hertz, narrow ones only."""
    x = samples[4000:12_000].astype(float) * np.hanning(8000)
    x = np.append(x[0], x[1:] - 0.5 * x[:-1])
    r = np.array([x[: len(x) - k] @ x[k:] for k in range(9)])
    toeplitz = r[np.abs(np.subtract.outer(np.arange(8), np.arange(8)))]
    roots = np.roots(np.append(1, -np.linalg.solve(toeplitz, r[1:])))
    narrow = [z for z in roots if z.imag > 0 and abs(z) > 0.85]
    return np.sort([np.angle(z) * SAMPLE_RATE / (2 * np.pi) for z in narrow])


def test_the_measures_themselves(vowel: Samples) -> None:
    assert pitch_of(vowel) == pytest.approx(PITCH, rel=0.01)
    np.testing.assert_allclose(formants_of(vowel)[:3], FORMANTS, rtol=0.05)


@pytest.mark.parametrize("factor", [0.7, 0.85, 1.0, 1.2, 1.5])
def test_pitch_moves_alone(vowel: Samples, factor: float) -> None:
    changed = change_voice(vowel, VoiceChange(pitch=factor))
    assert pitch_of(changed) == pytest.approx(PITCH * factor, rel=0.015)
    np.testing.assert_allclose(formants_of(changed)[:3], FORMANTS, rtol=0.08)


@pytest.mark.parametrize("factor", [0.85, 1.0, 1.15, 1.25])
def test_formants_move_alone(vowel: Samples, factor: float) -> None:
    changed = change_voice(vowel, VoiceChange(formants=factor))
    np.testing.assert_allclose(formants_of(changed)[:3], np.multiply(FORMANTS, factor), rtol=0.08)
    assert pitch_of(changed) == pytest.approx(PITCH, rel=0.015)


@pytest.mark.parametrize("tilt_db", [-8.0, 8.0])
def test_tilt_is_decibels_from_250_hz_to_4_khz(vowel: Samples, tilt_db: float) -> None:
    def balance(samples: Samples) -> float:
        power = np.abs(np.fft.rfft(samples.astype(float))) ** 2
        low, high = power[200:320].sum(), power[3600:4400].sum()
        return 10 * np.log10(high / low)

    plain = change_voice(vowel, VoiceChange())
    assert balance(change_voice(vowel, VoiceChange(tilt_db=tilt_db))) - balance(plain) == pytest.approx(
        tilt_db, abs=1.5
    )


def test_a_monotonous_voice_keeps_its_mean_pitch() -> None:
    glide = np.cumsum(np.linspace(100, 160, SAMPLE_RATE)) / SAMPLE_RATE
    pulses = (np.diff(np.floor(glide), prepend=0) > 0) * 1.0
    samples = np.rint(np.convolve(pulses, np.exp(-np.arange(80) / 20), "same") * 10_000).astype(np.int16)
    flat = change_voice(samples, VoiceChange(intonation=0.0))
    # The mean is taken in octaves: the geometric mean of a glide from 100 to 160 Hz.
    expected = np.exp(np.mean(np.log(np.linspace(100, 160, 1000))))
    for part in (flat[:14_000], flat[2_000:]):
        assert pitch_of(part) == pytest.approx(expected, rel=0.03)


@pytest.mark.debian("espeak-ng")
def test_words_keep_their_place_and_length(say: Callable[..., Samples]) -> None:
    speech = say("one two three four")
    changed = change_voice(speech, VoiceChange(pitch=1.3, formants=1.15))
    assert changed.shape == speech.shape

    def loudness(samples: Samples) -> np.ndarray:
        frames = samples[: len(samples) // 320 * 320].astype(float).reshape(-1, 320)
        return np.log(np.square(frames).mean(axis=1) + 100)

    before, after = loudness(speech), loudness(changed)
    lags = range(-5, 6)
    match = [np.corrcoef(before[5:-5], after[5 + lag : len(after) - 5 + lag])[0, 1] for lag in lags]
    assert abs(lags[int(np.argmax(match))]) <= 1  # frames of 20 ms
    assert max(match) > 0.9


@pytest.mark.parametrize("length", [0, 1, 700, 801, 16_000])
def test_any_length_and_silence_come_back_as_long(length: int) -> None:
    changed = change_voice(np.zeros(length, np.int16), VoiceChange(pitch=1.2, formants=0.9, tilt_db=3))
    assert (changed.shape, changed.dtype) == ((length,), np.int16)
    assert np.abs(changed).max(initial=0) < 50


def test_loud_speech_does_not_wrap_around(vowel: Samples) -> None:
    loud = (vowel.astype(float) * 2.7).astype(np.int16)
    changed = change_voice(loud, VoiceChange(tilt_db=12, pitch=1.4)).astype(float)
    # A wrapped sample would jump by about 65,000 against its neighbour.
    assert np.abs(np.diff(changed)).max() < 50_000


def test_random_speakers_are_plausible_and_repeat() -> None:
    changes = [random_change(np.random.default_rng(seed)) for seed in range(300)]
    assert changes == [random_change(np.random.default_rng(seed)) for seed in range(300)]
    assert all(0.6 < c.pitch < 1.6 and 0.8 < c.formants < 1.25 for c in changes)
    # Higher voices have shorter vocal tracts.
    assert np.corrcoef([c.pitch for c in changes], [c.formants for c in changes])[0, 1] > 0.3
