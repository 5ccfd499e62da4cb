"""The speech embedding with its state inside, against the published network run anew on every window."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import published
import pytest
from signals import SIGNALS, bursts

from kws.encoders import speech_embedding
from kws.encoders.kept import cache_folder
from kws.encoders.logmel import LogMel
from kws.encoders.rows import EmbeddingRows
from kws.encoders.speech_embedding import (
    SpeechEmbedding,
    SpeechEmbeddingConfig,
    published_network,
    streaming_graph,
)
from kws.errors import KwsError
from kws.sources.whole import read_samples

CONFIG = SpeechEmbeddingConfig()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kws"


def published_embeddings(samples: np.ndarray) -> np.ndarray:
    """The published network on the 76 rows up to each step, from the first that has as many."""
    rows = LogMel().push(samples)
    ends = range((CONFIG.warmup_steps + 1) * CONFIG.rows, len(rows) + 1, CONFIG.rows)
    return published.embeddings(rows, list(ends))


def check_against_published(samples: np.ndarray) -> int:
    ours, theirs = SpeechEmbedding().push(samples), published_embeddings(samples)
    np.testing.assert_allclose(ours[CONFIG.warmup_steps :], theirs, rtol=0, atol=1e-4, strict=True)
    return len(theirs)


@pytest.mark.parametrize("name", SIGNALS)
def test_signals_equal_the_published_network(name):
    assert check_against_published(SIGNALS[name]) == 28


@pytest.mark.recordings
def test_recordings_equal_the_published_network(clips):
    """Every corpus of the dev recordings, one clip each."""
    firsts = {clip.corpus: clip for clip in clips if clip.split == "dev" and clip.seconds >= 2}
    assert len(firsts) >= 5
    heard = [read_samples(clip.path)[:160_000] for clip in firsts.values()]
    assert sum(map(check_against_published, heard)) > 200


def test_audio_before_the_field_is_forgotten():
    """After 76 rows of the same audio the values are the same, whatever came before."""
    same = bursts(seed=5)[: 2 * 16_000]
    start = 25 * CONFIG.step_samples  # steps of both then end at the same samples
    alone = SpeechEmbedding().push(same)
    after_noise = SpeechEmbedding().push(np.concatenate([bursts(seed=6)[:start], same]))[25:]
    np.testing.assert_array_equal(alone[CONFIG.warmup_steps :], after_noise[CONFIG.warmup_steps :])
    assert not np.array_equal(alone[: CONFIG.warmup_steps], after_noise[: CONFIG.warmup_steps])


@pytest.mark.parametrize("steps", [0, 1, 2, 9])
def test_embeddings_come_as_soon_as_their_rows_are_there(steps):
    end = CONFIG.steps_end(steps)
    assert len(SpeechEmbedding().push(np.zeros(end, np.int16))) == steps
    assert len(SpeechEmbedding().push(np.zeros(CONFIG.steps_end(steps + 1) - 1, np.int16))) == steps


def test_other_than_int16_in_one_dimension_is_refused():
    with pytest.raises(ValueError, match="must be int16, shape"):
        SpeechEmbedding().push(np.zeros(800, np.float32))


def test_built_once_and_then_read_from_the_cache(cache, monkeypatch):
    built = streaming_graph(CONFIG)
    (kept,) = cache.iterdir()
    assert kept.read_bytes() == built
    kept.write_bytes(b"from the cache")
    assert streaming_graph(CONFIG) == b"from the cache"


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(SpeechEmbedding().push(np.zeros(1_520, np.int16))) == 1


def test_the_cache_is_where_users_have_theirs(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert cache_folder() == Path("/home/somebody/.cache/kws")


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(KwsError, match=r"pyopen-wakeword, which is not installed; pip install"):
        SpeechEmbedding()


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read"), (b"other weights", "is not the network")],
    ids=["none", "other"],
)
def test_another_network_is_refused(tmp_path, monkeypatch, content, said):
    (tmp_path / "models").mkdir()
    if content is not None:
        (tmp_path / "models" / "embedding_model.tflite").write_bytes(content)
    package = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: package)
    with pytest.raises(KwsError, match=said):
        published_network(CONFIG)


def test_a_graph_that_was_kept_needs_no_network_again(tmp_path, monkeypatch):
    """What was kept is of the right network; so a file of 1.3 MB is not read at every start."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    EmbeddingRows()
    monkeypatch.setattr(speech_embedding, "published_network", lambda config: pytest.fail("read"))
    EmbeddingRows()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "empty"))
    with pytest.raises(pytest.fail.Exception, match="read"):
        EmbeddingRows()


def test_streams_share_the_graph_in_memory(tmp_path, monkeypatch):
    """400 kB; the first one here builds it, the others read it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first, *others = (EmbeddingRows()._graph for _ in range(3))
    assert all(graph is first for graph in others)


def test_a_stage_that_has_heard_nothing_is_not_opened_again(monkeypatch):
    stage = EmbeddingRows()
    opened = []
    new = EmbeddingRows._open
    monkeypatch.setattr(EmbeddingRows, "_open", lambda self: opened.append(self) or new(self))
    stage.reset()
    stage.push(np.zeros(1_000, np.int16))
    stage.reset()
    assert opened == []
    stage.push(np.zeros(1_600, np.int16))
    for _ in range(2):
        stage.reset()
        assert opened == [stage]


def test_digest_changes_with_every_field():
    changed = [
        dataclasses.replace(CONFIG, log_mel=dataclasses.replace(CONFIG.log_mel, channels=33)),
        dataclasses.replace(CONFIG, weights_sha256="0" * 64),
        *(dataclasses.replace(CONFIG, **{name: 1}) for name in ("rows", "field_rows", "values")),
        dataclasses.replace(CONFIG, int8_scale=1.0),
    ]
    assert len({CONFIG.digest, *(config.digest for config in changed)}) == len(dataclasses.fields(CONFIG)) + 1
