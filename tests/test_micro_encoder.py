"""Distilling the micro embedding: what is heard beside what is taught, and that the student learns it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from speechlike import speechlike_clips

pytest.importorskip("tensorflow")

from kws.encoders.speech_embedding import SpeechEmbedding
from kws.frontend import Frontend
from kws.sources.whole import read_samples
from training.material.embedded import HEARD
from training.micro_encoder import pairs as pairs_module
from training.micro_encoder.learn import LearningRecipe, Scaling, judged, moments, teach
from training.micro_encoder.pairs import Pairs, heard_and_taught
from training.micro_encoder.ranges import ranges_of
from training.micro_encoder.student import Student, beginning

pytestmark = pytest.mark.tensorflow
PLAIN = replace(HEARD, room_share=0.0, noise_share=0.0, level=(-26.0, -26.0), floor_level=(-80.0, -80.0))


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Eight files of speech-like sound and a recording of words."""
    return speechlike_clips(tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def known(clips, tmp_path_factory) -> Pairs:
    return heard_and_taught(clips, [], seed=1, cache=tmp_path_factory.mktemp("pairs"), workers=1)


def test_eight_rows_go_with_every_embedding(known):
    assert known.rows.shape == (8 * len(known.taught), 40)
    assert known.taught.shape[1] == 96
    assert known.first[0] == 0
    assert np.all(np.diff(known.first) > 0)


def test_both_hear_the_same_moments(clips, tmp_path, monkeypatch):
    """Without room, noise and another level the student's audio is the teacher's."""
    monkeypatch.setattr(pairs_module, "PARTS", 1)
    found = heard_and_taught(clips[-1:], [], seed=1, cache=tmp_path, config=PLAIN, workers=1)
    audio = read_samples(clips[-1])
    rows, taught = Frontend().push(audio), SpeechEmbedding().push(audio)
    steps = len(taught) - 1

    def alike(one: np.ndarray, other: np.ndarray) -> float:
        return float(np.corrcoef(one.astype(float).ravel(), other.astype(float).ravel())[0, 1])

    assert alike(found.rows[: 8 * steps], rows[: 8 * steps]) > 0.9
    assert alike(found.taught[10:steps], taught[10:steps]) > 0.9
    assert alike(found.taught[10:steps], taught[9 : steps - 1]) < alike(
        found.taught[10:steps], taught[10:steps]
    )


def test_the_noise_is_for_the_student_alone(clips, tmp_path):
    loud = replace(PLAIN, floor_level=(-30.0, -30.0))
    plain, noisy = (
        heard_and_taught(clips, [], seed=1, cache=tmp_path, config=config, workers=1)
        for config in (PLAIN, loud)
    )
    assert np.array_equal(plain.taught, noisy.taught)
    assert not np.array_equal(plain.rows, noisy.rows)


def test_parts_are_whole_streams(known):
    learnt, held_out = known.parted()
    assert len(learnt.taught) + len(held_out.taught) == len(known.taught)
    assert np.array_equal(held_out.rows, known.rows[-len(held_out.rows) :])
    assert held_out.hours + learnt.hours == pytest.approx(known.hours)


def test_a_student_learns_what_its_teacher_says(known):
    recipe = LearningRecipe(windows=2, steps=24, new_alone=0, masks=1, averaging=0.5)
    scaling, student = Scaling(known.taught), Student(beginning(*moments(known), seed=1))
    before = judged(student, known, scaling)
    reports = []
    teach(student, iter([known] * 8), 8, recipe, scaling, seed=1, report=reports.append, every=4)
    assert judged(student, known, scaling) < before
    assert [report.batch for report in reports] == [4, 8]
    layers = student.learnt()
    assert len(layers.entry) == 3
    assert len(layers.published) == 20
    ranges = ranges_of(student, known, 3)
    assert ranges.bands[0] < 0 < ranges.bands[1]
    assert (len(ranges.entry), len(ranges.published)) == (2, 19)
    assert all(value > 0 for value in (*ranges.entry, *ranges.published))
