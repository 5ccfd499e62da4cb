"""The int8 encoder: its scales, its likeness to the published values, its size; how ranges are measured."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from signals import SIGNALS

from kws.encoders.network import LEAST
from kws.encoders.quantized import OUTPUT, between, per_channel, read_ranges
from kws.encoders.speech_embedding import RANGES, SpeechEmbedding, SpeechEmbeddingConfig, streaming_graph
from kws.sources.whole import read_samples
from training.encoder_ranges import TAIL, Largest, measure, some_of_each

CONFIG = SpeechEmbeddingConfig()
RECORDED_ERROR = 0.05
"""Squared error on recordings, as a share of the variance of the embeddings."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def heard(samples: np.ndarray, *, int8: bool) -> np.ndarray:
    return SpeechEmbedding(int8=int8).push(samples)[CONFIG.warmup_steps :]


@pytest.mark.recordings
def test_recordings_stay_close_to_the_published_values(clips):
    """Every corpus of the dev recordings; ranges were measured on others."""
    firsts = {clip.corpus: clip for clip in clips if clip.split == "dev" and clip.seconds >= 2}
    samples = [read_samples(clip.path)[:160_000] for clip in firsts.values()]
    exact, rounded = (np.concatenate([heard(s, int8=q) for s in samples]) for q in (False, True))
    assert np.mean((rounded - exact) ** 2) < RECORDED_ERROR * np.mean(exact.var(axis=0))


@pytest.mark.parametrize("name", ["noise", "bursts", "one unit of dither", "chirp 0 to 7.5 kHz"])
def test_signals_that_nobody_speaks_stay_recognizable(name):
    exact, rounded = (heard(SIGNALS[name], int8=q).ravel() for q in (False, True))
    assert np.corrcoef(exact, rounded)[0, 1] > 0.93


def test_embeddings_are_whole_steps_within_int8():
    steps = heard(SIGNALS["bursts"], int8=True) / OUTPUT.scale[0]
    assert np.all(steps == np.rint(steps))
    assert steps.min() >= -128
    assert steps.max() <= 127


def test_it_fits_beside_the_heads_on_a_small_machine():
    assert len(streaming_graph(CONFIG, int8=True)) <= 400_000


def test_each_arithmetic_has_its_own_place_in_the_cache():
    assert streaming_graph(CONFIG, int8=True) != streaming_graph(CONFIG)
    assert streaming_graph(CONFIG, int8=True) == streaming_graph(CONFIG, int8=True)


@given(low=st.floats(-10, -0.01), high=st.floats(0.01, 100))
def test_scales_meet_the_lower_bound_exactly_and_the_upper_at_least(low, high):
    made = between(low, high)
    assert (-128 - made.zero) * made.scale[0] == pytest.approx(low)
    assert (127 - made.zero) * made.scale[0] >= min(high, -254 * low) * (1 - 1e-9)
    assert -128 < made.zero <= 127


def test_weights_are_rounded_per_channel():
    kernel = np.random.default_rng(0).normal(size=(5, 3, 1, 7)).astype(np.float32)
    kernel *= np.float32(10.0) ** np.arange(-2, 3, dtype=np.float32)[:, None, None, None]
    steps, scales = per_channel(kernel)
    assert np.all(np.abs(steps).max(axis=(1, 2, 3)) == 127)
    error = np.abs(steps * scales[:, None, None, None] - kernel)
    assert np.all(error <= 0.501 * scales[:, None, None, None])


def test_a_channel_without_weights_stays_zero():
    steps, scales = per_channel(np.zeros((2, 3, 3, 1), np.float32))
    assert not steps.any()
    assert np.all(scales > 0)


def test_stored_ranges_fit_the_network():
    ranges = read_ranges(RANGES)
    assert len(ranges.layers) == 19  # all that are activated
    assert min(ranges.layers) > -LEAST
    assert ranges.rows[0] < 0 < ranges.rows[1]


def test_largest_is_the_quantile_of_all_that_was_pushed():
    values = np.random.default_rng(0).normal(size=(30, 10_000)).astype(np.float32)
    largest = Largest()
    for part in values:
        largest.push(part)
    exceeding = int(TAIL * values.size)
    assert largest.bound() == np.sort(values.ravel())[-1 - exceeding]


@pytest.mark.recordings
def test_stored_ranges_are_what_is_measured(clips):
    """On a few of the clips the bounds come near the stored ones. Fewer values make them vary more."""
    measured = measure(some_of_each(clips)[::80])
    stored = read_ranges(RANGES)
    share = np.array(measured["layers"]) / stored.layers
    assert len(share) == len(stored.layers)
    assert 0.8 < np.median(share) < 1.25
    assert np.all((share > 0.5) & (share < 2))


@pytest.mark.recordings
def test_ranges_are_measured_on_train_recordings_of_every_corpus(clips):
    chosen = some_of_each(clips)
    assert {clip.split for clip in chosen} == {"train"}
    assert {c.corpus for c in chosen} == {c.corpus for c in clips if c.split == "train" and c.seconds >= 1}
