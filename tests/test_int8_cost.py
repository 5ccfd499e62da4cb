"""The float form of a word on the micro embedding: near its int8 form, whatever stretches it is heard in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from heads import random_head, random_rows

pytest.importorskip("tensorflow")

from kws.bundle import Bundle, read_bundle, write_bundle
from kws.detector import Detector, DetectorConfig
from kws.errors import KwsError
from kws.frontend import Frontend
from kws.frontends import MICRO, SPEECH_EMBEDDING
from kws.model import StreamingModel
from training.bundling import manifest_of
from training.heads import int8_cost
from training.heads.graph import head_model
from training.heads.head import Committee
from training.heads.int8_cost import FloatHeads
from training.heads.weights import head_arrays
from training.recipe import Recipe

pytestmark = pytest.mark.tensorflow


@pytest.fixture
def word(tmp_path: Path) -> Bundle:
    """On the micro embedding, its float weights beside it."""
    heads = Committee((random_head(1), random_head(2)))
    model = head_model(heads, random_rows(3), whole=True)
    manifest = manifest_of("tea", Recipe(), {}, np.random.default_rng(1))
    path = write_bundle(tmp_path, "tea", model, manifest, front_end=MICRO)
    np.savez(weights_of(path), *head_arrays(heads.members))
    return read_bundle(path)


def weights_of(manifest: Path) -> Path:
    return manifest.with_suffix(".weights.npz")


@pytest.fixture
def rows() -> np.ndarray:
    rng = np.random.default_rng(5)
    loudness = np.repeat(rng.uniform(0, 6000, 60), 1600)
    return Frontend().push(rng.normal(scale=loudness).clip(-32768, 32767).astype(np.int16))


def test_it_follows_the_int8_score_track(word, rows):
    track = FloatHeads(word, weights_of(word.manifest_path))(rows)
    outputs = StreamingModel(word.model_path).push(rows)[:, 0]
    expected = Detector(DetectorConfig(threshold=0.5, window=word.window)).smooth(outputs)
    assert track.score.shape == expected.shape == (len(rows) // 8,)
    assert np.ptp(expected) > 0.1
    assert np.corrcoef(track.score, expected)[0, 1] > 0.9
    assert not np.array_equal(track.score, expected)


def test_stretches_change_nothing(word, rows, monkeypatch):
    scorer = FloatHeads(word, weights_of(word.manifest_path))
    whole = scorer.embeddings(rows)
    monkeypatch.setattr(int8_cost, "STRETCH_SECONDS", 0.8)
    np.testing.assert_allclose(scorer.embeddings(rows), whole, atol=1e-4)
    monkeypatch.setattr(int8_cost, "BEFORE_SECONDS", 0.0)
    assert np.abs(scorer.embeddings(rows) - whole).max() > 0.01


def test_what_it_cannot_measure_is_refused(word, tmp_path):
    with pytest.raises(KwsError, match=r"none\.npz: cannot be read .*; train the model again"):
        FloatHeads(word, tmp_path / "none.npz")
    elsewhere = replace(word, front_end=SPEECH_EMBEDDING)
    with pytest.raises(KwsError, match="give a word on the micro front end"):
        FloatHeads(elsewhere, weights_of(word.manifest_path))
