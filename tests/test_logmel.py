"""The log-mel front end against the published one, made of two convolutions, and against its definition."""

from __future__ import annotations

import dataclasses
import tracemalloc

import numpy as np
import published
import pytest
from signals import SIGNALS, bursts, tone

from kws.encoders.logmel import LogMel, LogMelConfig
from kws.sources.whole import read_samples

CONFIG = LogMelConfig()
CLOSE = 1e-4
"""How well rows must agree with the published front end."""
ROUNDING = 7.0
"""Decades below a frame's strongest frequency at which sums in float32 still mean something."""


def slow_rows(samples: np.ndarray) -> np.ndarray:
    """The definition in double precision, one row after the other; shape (t, 32)."""
    rows = []
    for start in range(0, len(samples) - CONFIG.window_samples + 1, CONFIG.step_samples):
        frame = samples[start : start + CONFIG.window_samples] * CONFIG.window()
        power = np.abs(np.fft.rfft(frame, CONFIG.fft_size)) ** 2
        rows.append(np.log10(np.maximum(power @ CONFIG.mel_weights(), CONFIG.floor)) + CONFIG.offset)
    return np.array(rows)


def meaningful(samples: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Where a row lies above what rounding leaves of the frame's strongest frequency, shape of rows."""
    strongest = []
    for start in range(0, len(samples) - CONFIG.window_samples + 1, CONFIG.step_samples):
        frame = samples[start : start + CONFIG.window_samples] * CONFIG.window()
        strongest.append(np.max(np.abs(np.fft.rfft(frame, CONFIG.fft_size)) ** 2))
    bound = np.log10(np.array(strongest) * CONFIG.mel_weights().max() + 1e-30) + CONFIG.offset - ROUNDING
    return rows > bound[:, None]


def check_against_published(samples: np.ndarray) -> int:
    """How many values were compared: those that the published front end does not lift."""
    ours, theirs = LogMel().push(samples), published.log_mel(samples)
    assert ours.shape == theirs.shape
    compared = meaningful(samples, theirs) & (theirs > theirs.max() - published.LIFT + 0.01)
    np.testing.assert_allclose(ours[compared], theirs[compared], rtol=0, atol=CLOSE)
    lifted = theirs < theirs.max() - published.LIFT + 0.01
    assert np.all(ours[lifted] < theirs[lifted] + 0.02)
    return int(compared.sum())


def test_mel_weights_are_the_published_ones():
    weights = published.constant(published.LOG_MEL, (257, 32))
    np.testing.assert_allclose(CONFIG.mel_weights(), weights, rtol=0, atol=1e-8)


def test_its_convolutions_are_this_windowed_fourier_transform():
    """Up to the order of the two, and to where in its 512 samples the window of 400 stands."""
    kernels = [published.constant(published.LOG_MEL, (257, 1, 512, 1), n)[:, 0, :, 0] for n in (0, 1)]
    window = np.pad(CONFIG.window(), (CONFIG.fft_size - CONFIG.window_samples) // 2)
    turns = np.exp(-2j * np.pi * np.outer(np.arange(257), np.arange(512)) / CONFIG.fft_size)
    np.testing.assert_allclose(kernels[1] + 1j * kernels[0], window * turns, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", SIGNALS)
def test_rows_equal_the_definition(name):
    samples = SIGNALS[name]
    ours, slow = LogMel().push(samples), slow_rows(samples)
    compared = meaningful(samples, slow)
    np.testing.assert_allclose(ours[compared], slow[compared], rtol=0, atol=CLOSE)


@pytest.mark.parametrize("name", SIGNALS)
def test_signals_equal_the_published_front_end(name):
    check_against_published(SIGNALS[name])


def test_signals_are_compared_in_earnest():
    """Noise and bursts have meaning in every channel, so what is left out above is little."""
    rows = len(LogMel().push(bursts()))
    assert check_against_published(SIGNALS["noise"]) == rows * CONFIG.channels
    assert check_against_published(SIGNALS["bursts"]) > rows * CONFIG.channels / 2


@pytest.mark.recordings
def test_recordings_equal_the_published_front_end(clips):
    """Every corpus of the dev recordings, one clip each."""
    firsts = {clip.corpus: clip for clip in clips if clip.split == "dev" and clip.seconds >= 1}
    assert len(firsts) >= 5
    heard = [read_samples(clip.path)[: 10 * 16_000] for clip in firsts.values()]
    compared = sum(map(check_against_published, heard))
    assert compared > 1_000 * CONFIG.channels


def test_a_tone_is_loudest_in_its_own_channel():
    """In the channel with the largest weight there; and a tone above all channels is faint everywhere."""
    heard = LogMel().push(tone(1_000))[10]
    assert heard.argmax() == CONFIG.mel_weights()[1_000 * CONFIG.fft_size // CONFIG.sample_rate].argmax()
    assert LogMel().push(tone(6_000))[10].max() < heard.max() - 6


def test_ten_times_the_amplitude_adds_two():
    """Log base 10 of power."""
    faint, loud = (LogMel().push(tone(500, amplitude=a))[10] for a in (1_000, 10_000))
    strongest = faint > faint.max() - 1
    np.testing.assert_allclose(loud[strongest] - faint[strongest], 2, atol=1e-3)


def test_silence_is_the_floor():
    floor = np.log10(CONFIG.floor) + CONFIG.offset
    np.testing.assert_allclose(LogMel().push(np.zeros(4_000, np.int16)), floor, rtol=1e-6)


@pytest.mark.parametrize(("samples", "rows"), [(0, 0), (399, 0), (400, 1), (559, 1), (560, 2), (16_000, 98)])
def test_rows_come_as_soon_as_their_window_is_full(samples, rows):
    assert LogMel().push(np.zeros(samples, np.int16)).shape == (rows, 32)
    assert CONFIG.rows_end(rows) <= samples < CONFIG.rows_end(rows + 1)


@pytest.mark.parametrize("samples", [np.zeros(800, np.float32), np.zeros((2, 800), np.int16)])
def test_other_than_int16_in_one_dimension_is_refused(samples):
    with pytest.raises(ValueError, match="must be int16, shape"):
        LogMel().push(samples)


def test_minutes_at_once_are_the_same_as_in_pieces():
    samples = np.random.default_rng(6).normal(0, 1000, 25 * 16_000).astype(np.int16)
    stage = LogMel()
    pieces = [stage.push(part) for part in np.array_split(samples, 7)]
    assert np.array_equal(LogMel().push(samples), np.concatenate(pieces))


@pytest.mark.parametrize("block", [640, 1000, 8000])
def test_rows_that_come_together_are_the_same_rows(block):
    audio, stage = bursts(), LogMel(8)
    pieces = [stage.push(audio[at : at + block]) for at in range(0, len(audio), block)]
    assert {len(piece) % 8 for piece in pieces} == {0}
    together, singly = np.concatenate(pieces), LogMel().push(audio)
    assert 0 <= len(singly) - len(together) < 8
    np.testing.assert_array_equal(together, singly[: len(together)])


def test_seconds_at_once_take_the_memory_of_a_few_rows():
    """More than 128 kB at a time would go back to the system after each block, and be asked for again."""
    front_end, samples = LogMel(), np.random.default_rng(0).normal(0, 900, 8_000).astype(np.int16)
    front_end.push(samples)
    tracemalloc.start()
    try:
        rows = front_end.push(samples)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(rows) == 50
    assert peak < 400_000


def test_digest_changes_with_every_constant():
    digests = {CONFIG.digest}
    for field in dataclasses.fields(CONFIG):
        digests.add(dataclasses.replace(CONFIG, **{field.name: getattr(CONFIG, field.name) + 1}).digest)
    assert len(digests) == 1 + len(dataclasses.fields(CONFIG))
