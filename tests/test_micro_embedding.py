"""The micro embedding: its file, its int8 graph, heads on it, and one model of both for a device."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from heads import random_head, random_rows
from signals import bursts

from kws.encoders.layer_file import StudentLayers, StudentRanges, read_student, write_student
from kws.encoders.micro_embedding import WEIGHTS, MicroEmbedding, MicroEmbeddingConfig, encoder_graph
from kws.encoders.network import Layer
from kws.encoders.rows import EmbeddingRowsConfig
from kws.frontend import Frontend
from kws.frontends import MICRO, MICRO_EMBEDDING, row_format
from kws.model import StreamingModel
from kws.runtimes import offer
from kws.selftest import RECORDINGS
from kws.sources.whole import read_samples
from kws.types import Rows
from training.heads.graph import head_model
from training.heads.head import Committee

CONFIG = MicroEmbeddingConfig()
INT8_ERROR = 0.08
"""Squared error of int8 beside float on recordings, as a share of the variance of the embeddings."""


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return read_samples(RECORDINGS / "calls.flac")


# The file


def test_a_student_is_read_as_it_was_written_but_for_its_steps(tmp_path):
    rng = np.random.default_rng(1)
    kernel = rng.normal(size=(4, 3, 1, 2)).astype(np.float32)
    layers = StudentLayers(
        (Layer(kernel, np.ones(4, np.float32), activated=True),),
        (Layer(kernel[:, :1], np.zeros(4, np.float32), padding=1, pool=(2, 1)),),
    )
    ranges = StudentRanges((3.5,), (-1.0, 2.0), (4.5, 5.5))
    write_student(tmp_path / "one.npz", layers, ranges)
    found, same = read_student(tmp_path / "one.npz")
    assert same == ranges
    (entry,), (published,) = found.entry, found.published
    assert (entry.padding, entry.activated, entry.pool) == (0, True, None)
    assert (published.padding, published.activated, published.pool) == (1, False, (2, 1))
    steps = np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / 127
    assert np.all(np.abs(entry.kernel - kernel) <= steps / 2 + 1e-6)
    write_student(tmp_path / "two.npz", found, same)
    assert np.array_equal(read_student(tmp_path / "two.npz")[0].entry[0].kernel, entry.kernel)


def test_the_card_says_what_it_came_from():
    card = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    assert card["licence"] == "Apache-2.0"
    assert "2002.01322" in card["origin"]
    assert set(card["credits"]) <= set(card["data"])
    assert all("licence" in credit for credit in card["credits"].values())


def test_it_fits_a_device():
    assert WEIGHTS.stat().st_size < 500_000
    assert len(encoder_graph()) < 500_000


# Hearing


def test_heads_may_stand_on_either_encoder():
    """Their code takes rows of one form; only what the rows say differs."""
    published = EmbeddingRowsConfig()
    for name in ("channels", "row_scale", "row_zero_point", "row_seconds"):
        assert getattr(CONFIG, name) == getattr(published, name)
    assert CONFIG.digest != published.digest


def test_int8_stays_near_the_weights(speech):
    tf = pytest.importorskip("tensorflow")
    from training.int8.quantize import to_real
    from training.micro_encoder.student import Student

    student = Student(read_student(WEIGHTS)[0])
    rows = Frontend().push(speech)
    rows = rows[: len(rows) // 8 * 8]
    exact = student(tf.constant(to_real(rows)[None])).numpy()[0]
    found = MicroEmbedding().push(speech) * CONFIG.row_scale
    assert np.mean((found - exact) ** 2) < INT8_ERROR * np.mean(exact.var(axis=0))


def test_it_says_nearly_what_its_teacher_says(speech):
    """Of clean speech that it has not learned from; a network of nothing would be at 1."""
    pytest.importorskip("pyopen_wakeword")
    from kws.encoders.speech_embedding import SpeechEmbedding

    taught = SpeechEmbedding().push(speech)[10:]
    said = (MicroEmbedding().push(speech) * CONFIG.row_scale)[10 : 10 + len(taught)]
    taught = taught[: len(said)]
    assert np.mean((said - taught) ** 2) < 0.6 * np.mean(taught.var(axis=0))


# One model for a device


def test_a_whole_model_says_what_its_head_says_of_the_embedding(tmp_path):
    heads, calibration = Committee((random_head(1), random_head(2))), random_rows(3)
    paths = {whole: tmp_path / f"{whole}.tflite" for whole in (False, True)}
    for whole, path in paths.items():
        path.write_bytes(head_model(heads, calibration, whole=whole))
    rows = Frontend().push(bursts())
    apart = StreamingModel(paths[False]).push(MicroEmbedding().push(bursts()))
    together = StreamingModel(paths[True]).push(rows)
    assert np.ptp(apart) > 20
    assert np.array_equal(together, apart)


def test_a_whole_model_takes_what_a_device_gives():
    assert row_format(MICRO_EMBEDDING).rows_end(1) == row_format(MICRO).rows_end(8)


def test_devices_say_the_same(tmp_path):
    """Exported C and tflite-micro to the bit; LiteRT rounds leaky ReLUs in another way."""
    path = tmp_path / "whole.tflite"
    path.write_bytes(head_model(Committee((random_head(1),)), random_rows(3), whole=True))
    rows = Frontend().push(bursts())
    exported = offer("c99").open_model(path).push(rows)[:, 0].astype(int)
    assert np.ptp(exported) > 20
    assert exported.tolist() == outputs_of_tflite_micro(path, rows)
    litert = StreamingModel(path).push(rows)[:, 0].astype(int)
    assert np.corrcoef(litert, exported)[0, 1] > 0.95


def outputs_of_tflite_micro(path: Path, rows: Rows) -> list[int]:
    runtime = pytest.importorskip("tflite_micro").runtime
    interpreter = runtime.Interpreter.from_file(str(path), arena_size=500_000)
    outputs = []
    for start in range(0, len(rows) // 8 * 8, 8):
        interpreter.set_input(rows[None, start : start + 8], 0)
        interpreter.invoke()
        outputs.append(int(interpreter.get_output(0)[0, 0]))
    return outputs
