"""Learning heads: examples stand where marks say, recordings are embedded once, and a word is learned."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import soundfile
from heads import random_rows
from signals import noise, tone

from kws.encoders.rows import EmbeddingRows
from kws.errors import KwsError
from kws.types import SAMPLE_RATE
from training import embedded
from training.data.manifest import Clip
from training.embedded import QUIET, embed
from training.heads.examples import join
from training.heads.head import Committee
from training.heads.recipe import HeadRecipe, head_recipe
from training.tapes import IGNORED, NEGATIVE, POSITIVE

# Examples


def test_examples_stand_where_the_marks_say():
    rows = [random_rows(seed, 40) for seed in (0, 1)]
    marks = [np.full(40, NEGATIVE, np.int8) for _ in rows]
    marks[0][10:14], marks[0][14:20] = POSITIVE, IGNORED
    marks[1][30:32], marks[1][39:] = POSITIVE, POSITIVE
    known = join(list(zip(rows, marks, strict=True)), look_back=5, steps=4)
    assert len(known.negative) == 30 + 37
    heard = known.rows[known.words]
    assert np.array_equal(heard[0], rows[0][10:14])
    assert np.array_equal(heard[1], rows[1][[30, 31, 31, 31]])
    assert np.array_equal(heard[2], rows[1][[39, 39, 39, 39]])
    assert np.array_equal(known.windows(known.negative[:1], 5)[0], np.pad(rows[0][:1], ((4, 0), (0, 0))))


def test_no_window_reaches_into_the_sequence_before():
    rows = [np.full((6, 96), number, np.int8) for number in (1, 2)]
    marks = [np.zeros(6, np.int8)] * 2
    known = join(list(zip(rows, marks, strict=True)), look_back=3, steps=1)
    for window in known.windows(known.negative, 4):
        assert len(set(window.ravel()) - {0}) == 1


# Recordings


@pytest.fixture
def recorded(tmp_path) -> list[Clip]:
    """Nine clips of a second or two."""
    clips = []
    for number in range(9):
        path = tmp_path / f"{number}.wav"
        sound = tone(200 + 150 * number) if number % 2 else noise(2_000, number)
        soundfile.write(path, sound[: SAMPLE_RATE * (1 + number % 2)], SAMPLE_RATE)
        clips.append(Clip(path, "some", "train", "speech", "", f"s{number}", 1.0, "ship"))
    return clips


def test_all_recordings_are_heard_once_and_named(recorded, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "PARTS", 3)
    found = embed(recorded, [], QUIET, seed=1, cache=tmp_path / "cache", workers=1)
    assert found.rows.shape == (len(found.owner), 96)
    assert found.first.sum() == 3
    counts = np.bincount(found.owner, minlength=9) * 0.08
    assert all(abs(count - (1.35 + number % 2)) < 0.4 for number, count in enumerate(counts))


def test_the_number_of_workers_changes_nothing_and_the_cache_is_read(recorded, tmp_path, monkeypatch):
    one, two = (
        embed(recorded, [recorded[0].path], embedded.NOISY, seed=1, cache=tmp_path / str(n), workers=n)
        for n in (1, 2)
    )
    assert np.array_equal(one.rows, two.rows)
    assert np.array_equal(one.owner, two.owner)
    monkeypatch.setattr(embedded, "_made", None)
    again = embed(recorded, [recorded[0].path], embedded.NOISY, seed=1, cache=tmp_path / "1")
    assert np.array_equal(again.rows, one.rows)


def test_a_stream_is_what_the_deployed_encoder_hears(recorded, tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "PARTS", 1)
    pushed = []

    class Listening(EmbeddingRows):
        def push(self, samples):
            pushed.append(samples)
            return super().push(samples)

    monkeypatch.setattr(embedded, "EmbeddingRows", Listening)
    rows, _ = embedded._stream([(0, recorded[0].path), (1, recorded[1].path)], [], QUIET, [1])
    assert np.array_equal(rows, EmbeddingRows().push(np.concatenate(pushed)))


# Recipe


def test_a_recipe_reads_and_mistakes_are_named():
    assert head_recipe({"name": "embedding-head", "context": 8}) == HeadRecipe(context=8)
    with pytest.raises(KwsError, match=r"unknown key network\.units; allowed are heads, context, "):
        head_recipe({"name": "embedding-head", "units": 3})
    with pytest.raises(KwsError, match=r"network\.hidden is 2\.5, expected int"):
        head_recipe({"hidden": 2.5})


# Learning


def sequences(seed: int, count: int = 12) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows of noise; a word is a ramp in some of the values over five rows."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        rows, marks = random_rows(1000 * seed + number, 200).astype(float), np.full(200, NEGATIVE, np.int8)
        for end in rng.integers(20, 180, 2) // 30 * 30 + 20:
            rows[end - 5 : end, :24] += np.linspace(-40, 40, 5)[:, None]
            marks[end - 4 : end + 8], marks[end - 1 : end + 2] = IGNORED, POSITIVE
        made.append((np.clip(rows, -128, 127).astype(np.int8), marks))
    return made


@pytest.fixture(scope="module")
def learnt():
    """A head trained for a few seconds, and what it learned from."""
    pytest.importorskip("tensorflow")
    from training.heads.learning import fit

    known = join(sequences(1), look_back=8, steps=3)
    recipe = HeadRecipe(
        context=8, projected=8, hidden=8, rounds=3, steps=60, words=24, negatives=96, hardest=200
    )
    return [*fit(known, recipe, seed=3)], known


@pytest.mark.tensorflow
def test_a_head_learns_to_hear_a_word_it_was_not_shown(learnt):
    progress, _ = learnt
    assert [p.round for p in progress] == [1, 2, 3]
    others = join(sequences(2), look_back=8, steps=3)
    logits = progress[-1].head.logits(others.rows)
    words, rest = logits[others.words].max(axis=1), logits[others.negative]
    assert np.mean(words > np.quantile(rest, 0.99)) > 0.8


@pytest.mark.tensorflow
def test_the_seed_decides(learnt):
    from training.heads.learning import fit

    _, known = learnt
    short = HeadRecipe(context=8, projected=8, hidden=8, rounds=1, steps=5, words=8, negatives=32, hardest=50)
    one, same, other = (next(iter(fit(known, short, seed=seed))).head for seed in (1, 1, 2))
    assert np.array_equal(one.project, same.project)
    assert not np.array_equal(one.project, other.project)


@pytest.mark.tensorflow
def test_scores_are_spread_over_the_steps_there_are(learnt):
    from training.heads.bundling import PER_HOUR, spread

    progress, known = learnt
    head = Committee((progress[-1].head,))
    changed = spread(head.scaled(30.0, 2.0), known)
    logits = changed.logits(known.rows)
    often = round(PER_HOUR * len(known.negative) * 0.08 / 3600)
    assert np.quantile(logits[known.words].max(axis=1), 0.75) == pytest.approx(1.5, abs=1e-3)
    assert np.sort(logits[known.negative])[-often] == pytest.approx(-1.5, abs=1e-3)
    order = np.argsort(head.logits(known.rows)[known.negative])
    assert np.all(np.diff(logits[known.negative][order]) > -1e-3)


@pytest.mark.tensorflow
def test_a_head_that_learned_nothing_is_left_alone(learnt):
    from training.heads.bundling import spread

    progress, known = learnt
    deaf = Committee((dataclasses.replace(progress[-1].head, out=np.zeros(8, np.float32)),))
    assert spread(deaf, known) is deaf
