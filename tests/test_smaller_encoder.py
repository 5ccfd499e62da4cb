"""A smaller micro embedding: which channels go, what that saves, and that it learns to say the same."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise, repeat

import numpy as np
import pytest
from click.testing import CliRunner
from heads import random_head, random_rows
from signals import bursts
from speechlike import speechlike_clips

pytest.importorskip("tensorflow")

import tensorflow as tf

from kws.bundle import read_bundle, write_bundle
from kws.encoders.layer_file import StudentLayers, StudentRanges, read_student, write_student
from kws.encoders.micro_embedding import WEIGHTS, MicroEmbedding, encoder_graph
from kws.encoders.network import Layer
from kws.errors import KwsError
from kws.frontend import Frontend
from kws.frontends import MICRO
from kws.model import StreamingModel
from training.bundling import manifest_of
from training.heads.graph import head_model
from training.heads.head import Committee
from training.heads.weights import head_arrays
from training.int8.quantize import to_real
from training.micro_encoder import smaller as command
from training.micro_encoder.cost import cost_of
from training.micro_encoder.learn import LearningRecipe, Scaling, judged, teach
from training.micro_encoder.material import Material
from training.micro_encoder.moved import moved
from training.micro_encoder.pairs import Pairs
from training.micro_encoder.prune import Heard, listen, smaller, taking_over
from training.micro_encoder.ranges import ranges_of
from training.micro_encoder.student import Student
from training.micro_encoder.told import heard_and_told, said_of
from training.recipe import Recipe

pytestmark = pytest.mark.tensorflow
PER_STEP = 8


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Speech-like sound, and a recording of words."""
    return speechlike_clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def known(clips, tmp_path_factory) -> Pairs:
    return heard_and_told(clips, [], seed=1, cache=tmp_path_factory.mktemp("pairs"), workers=1)


@pytest.fixture(scope="module")
def whole() -> StudentLayers:
    return read_student(WEIGHTS)[0]


@pytest.fixture(scope="module")
def heard(whole, known) -> list[Heard]:
    return listen(Student(whole), known, 6, seed=1)


def said(layers: StudentLayers, pairs: Pairs) -> np.ndarray:
    """Embeddings of the first ten seconds, computed at once in floating point."""
    return Student(layers)(tf.constant(to_real(pairs.rows[None, : 120 * PER_STEP]))).numpy()[0]


# What it learns from


def test_what_is_told_is_what_the_whole_one_says_of_the_same_rows(known):
    second = int(known.first[1])
    stream = known.rows[: second * PER_STEP]
    assert known.rows.shape == (PER_STEP * len(known.taught), 40)
    assert np.array_equal(said_of(stream, encoder_graph()) * 0.5, known.taught[:second])


def test_rows_alone_say_what_audio_says():
    hearing = MicroEmbedding()
    rows = hearing._front_end.push(bursts())
    assert np.array_equal(said_of(rows, encoder_graph()), MicroEmbedding().push(bursts()))


# Which channels go


def muted(layers: tuple[Layer, ...], share: float) -> tuple[Layer, ...]:
    """Some channels of all layers but the last say nothing, spread over them by lot."""
    rng, found = np.random.default_rng(3), []
    for layer in layers[:-1]:
        loud = rng.permutation(len(layer.bias)) >= share * len(layer.bias)
        found.append(replace(layer, kernel=layer.kernel * loud[:, None, None, None], bias=layer.bias * loud))
    return (*found, layers[-1])


def test_without_channels_that_say_nothing_it_says_the_same(whole, known):
    silent = StudentLayers(muted(whole.entry, 0.5), muted(whole.published, 0.5))
    half = smaller(silent, listen(Student(silent), known, 4, seed=1), 0.5)
    assert [len(layer.bias) for layer in half.entry] == [48, 48, 32]
    assert [len(layer.bias) for layer in half.published] == 3 * [12] + 4 * [24] + 4 * [36] + 8 * [48] + [96]
    wanted = said(silent, known)
    # Not to the last digit: a channel that always says the same goes as well, into the next layer's bias,
    # which at the edges, where zeros stand for what is beyond, is a little wrong.
    assert np.mean((said(half, known) - wanted) ** 2) < 0.005 * np.mean(wanted.var(axis=0))


def test_all_channels_are_the_whole_network(whole, heard, known):
    same = smaller(whole, heard, 1.0)
    assert said(same, known) == pytest.approx(said(whole, known), abs=1e-4)


def test_what_matters_more_stays(whole, heard, known):
    """Beside its opposite, which keeps the channels that matter least."""
    opposite = [replace(one, importance=-one.importance) for one in heard]
    wanted = said(whole, known)
    errors = [np.mean((said(smaller(whole, which, 0.9), known) - wanted) ** 2) for which in (heard, opposite)]
    assert errors[0] < 0.7 * errors[1]


def test_a_channel_that_says_what_another_says_goes_without_a_trace():
    rng = np.random.default_rng(1)
    values = rng.normal(1, 2, (500, 3))
    values = np.concatenate([values, 2 * values[:, :1] - 3 * values[:, 1:2] + 4], axis=1)
    layer = Layer(rng.normal(size=(5, 1, 1, 4)).astype(np.float32), np.ones(5, np.float32))
    one = Heard(len(values), values.sum(axis=0), values.T @ values, np.ones(4))
    found = taking_over(layer, one, np.arange(3))
    expected = values @ layer.kernel[:, 0, 0].T + layer.bias
    assert values[:, :3] @ found.kernel[:, 0, 0].T + found.bias == pytest.approx(
        expected, rel=0.002, abs=0.02
    )


def test_padding_and_pools_stay(whole, heard):
    half = smaller(whole, heard, 0.5)
    for ours, theirs in zip(half.published, whole.published, strict=True):
        assert (ours.padding, ours.activated, ours.pool) == (theirs.padding, theirs.activated, theirs.pool)


@pytest.mark.parametrize("keep", [0.0, -0.5, 1.5])
def test_a_share_that_makes_no_sense_is_refused(whole, heard, keep):
    with pytest.raises(KwsError, match=rf"keep is {keep:g}, expected a share of the channels"):
        smaller(whole, heard, keep)


# What it costs


def test_multiplications_are_those_of_every_layer_at_every_place():
    pool = Layer(np.zeros((3, 2, 3, 5), np.float32), np.zeros(3), padding=1, activated=True, pool=(2, 2))
    entry = Layer(np.zeros((6, 5, 1, 40), np.float32), np.zeros(6))
    last = Layer(np.zeros((7, 4, 3, 3), np.float32), np.zeros(7))
    cost = cost_of(StudentLayers((entry,), (pool, last)))
    assert cost.weights == 1200 + 90 + 252
    # 8 rows of the front end; 6 columns; after the pool 4 rows and 3 columns, of which 1 has both neighbours.
    assert cost.multiplications == round((8 * 1200 + 8 * 6 * 90 + 4 * 1 * 252) / 0.08)


def test_fewer_channels_cost_less(whole, heard, tmp_path):
    ranges = read_student(WEIGHTS)[1]
    sizes = []
    for keep in (1.0, 0.75, 0.5, 0.25):
        layers, path = smaller(whole, heard, keep), tmp_path / f"{keep}.npz"
        write_student(path, layers, ranges)
        cost = cost_of(layers)
        sizes.append((len(encoder_graph(path)), cost.weights, cost.multiplications))
    for more, less in pairwise(sizes):
        assert all(np.array(less) < np.array(more))
    assert sizes[2][0] < 200_000
    assert sizes[2][2] < 0.4 * sizes[0][2]


# That it learns and streams


@pytest.fixture(scope="module")
def taught(whole, heard, known):
    """A small student that has learned for a few batches, and its error before and after."""
    student, scaling = Student(smaller(whole, heard, 0.5)), Scaling(known.taught)
    recipe = LearningRecipe(**command.LEARNING, windows=2, steps=24, averaging=0.5)
    before = judged(student, known, scaling)
    teach(student, repeat(known), 40, recipe, scaling, seed=1, report=lambda _: None)
    return student, before, judged(student, known, scaling)


def test_it_learns_to_say_what_the_whole_one_says(taught):
    _, before, after = taught
    assert after < 0.8 * before


def test_too_little_to_learn_from_is_told_of(taught, known):
    student, *_ = taught
    recipe = LearningRecipe(**command.LEARNING, windows=2000, steps=24)
    with pytest.raises(KwsError, match="windows, expected more than 2000; give more recordings"):
        teach(student, repeat(known), 1, recipe, Scaling(known.taught), seed=1, report=lambda _: None)


def test_its_int8_graph_says_in_a_stream_what_its_weights_say_at_once(taught, known, tmp_path):
    student, *_ = taught
    ranges = ranges_of(student, known, 10)
    assert isinstance(ranges, StudentRanges)
    path = tmp_path / "small.npz"
    write_student(path, student.learnt(), ranges)
    first = int(known.first[1])
    streamed = said_of(known.rows[: first * PER_STEP], encoder_graph(path)) * 0.5
    at_once = student(tf.constant(to_real(known.rows[None, : first * PER_STEP]))).numpy()[0]
    assert np.mean((streamed - at_once) ** 2) < 0.03 * np.mean(at_once.var(axis=0))


def test_a_head_moves_onto_another_encoder(tmp_path, monkeypatch):
    """Onto the whole one: then it says what it said, on scales that differ by a little."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    heads = Committee((random_head(1), random_head(2)))
    model = head_model(heads, random_rows(3), whole=True)
    manifest = manifest_of("tea", Recipe(), {}, np.random.default_rng(1))
    path = write_bundle(tmp_path / "old", "tea", model, manifest, front_end=MICRO)
    with pytest.raises(KwsError, match=r"tea\.weights\.npz: cannot be read .*; train the model again"):
        moved(path, WEIGHTS, tmp_path / "new")
    np.savez(path.with_suffix(".weights.npz"), *head_arrays(heads.members))
    found = read_bundle(moved(path, WEIGHTS, tmp_path / "new"))
    rows = Frontend().push(bursts())
    said, before = (
        StreamingModel(one).push(rows)[:, 0] for one in (found.model_path, tmp_path / "old" / "tea.tflite")
    )
    assert np.ptp(before) > 20
    assert np.corrcoef(said.astype(int), before.astype(int))[0, 1] > 0.9


def test_the_command_leaves_weights_and_a_card(clips, known, tmp_path, monkeypatch):
    material = Material(tuple(clips), (), {"mine": len(clips)})
    monkeypatch.setattr("training.micro_encoder.material.gather", lambda *_, **__: material)
    parts = replace(known, first=np.array([0, 300]))
    monkeypatch.setattr("training.micro_encoder.told.heard_and_told", lambda *_, **__: parts)
    monkeypatch.setattr(command, "STRETCHES", 4)
    monkeypatch.setattr(command, "LEARNING", {**command.LEARNING, "windows": 2, "steps": 24})
    path = tmp_path / "small.npz"
    options = ["--keep", "0.25", "--batches", "1", "-o", str(path), "--cache", str(tmp_path)]
    done = CliRunner().invoke(command.main, options, catch_exceptions=False)
    assert done.exit_code == 0
    card = json.loads(path.with_suffix(".json").read_text())
    assert card["command"] == "python -m training.micro_encoder.smaller --keep 0.25 --batches 1 -o small.npz"
    assert card["licence"] == "Apache-2.0"
    assert "2002.01322" in card["origin"]
    assert card["recipe"]["batches"] == 1
    assert card["graph_bytes"] == len(encoder_graph(path)) < 100_000
    assert card["held_out_error"] > 0
    assert card["held_out_error_int8"] > 0
    assert len(read_student(path)[0].published) == 20
