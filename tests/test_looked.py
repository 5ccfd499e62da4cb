"""Candidates of both stages are told as a running engine tells them: one of each utterance."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kws.detector import Candidate as Proposed
from kws.detector import Detector, DetectorConfig
from kws.events import Detection
from training.accuracy.looked import Candidate, told_once

REFRACTORY = 12


def candidate(step: int, score: float, risen: int | None = None) -> Candidate:
    end = 0.08 * step
    proposed = Proposed(step, 0.3, step if risen is None else risen)
    return Candidate(Detection("word", 0.3, 0.2, end - 0.5, end), score, proposed)


def told(candidates: list[Candidate], least: float = 0.5) -> list[int]:
    return [round(event.end / 0.08) for event in told_once(candidates, least, REFRACTORY)]


@pytest.mark.parametrize(
    ("candidates", "steps"),
    [
        ([candidate(10, 0.4), candidate(14, 0.6, risen=10)], [14]),
        ([candidate(10, 0.6), candidate(14, 0.9, risen=10), candidate(60, 0.9, risen=10)], [10]),
        ([candidate(10, 0.6), candidate(21, 0.9), candidate(40, 0.9)], [10, 40]),
        ([candidate(10, 0.6), candidate(25, 0.9, risen=21)], [10]),
        ([candidate(10, 0.4), candidate(16, 0.5)], [16]),
    ],
    ids=["looked at again", "told once", "refractory time", "risen within it", "refused costs nothing"],
)
def test_one_of_each_utterance_is_told(candidates: list[Candidate], steps: list[int]) -> None:
    assert told(candidates) == steps


RUNS = st.lists(st.tuples(st.sampled_from([0, 100, 160, 255]), st.integers(1, 9)), min_size=1, max_size=20)


@settings(deadline=None)
@given(RUNS)
@example([(255, 1), (0, 9), (255, 2), (0, 1), (255, 1)])
def test_where_every_look_agrees_the_first_is_the_models_own_and_the_others_come_apart(
    runs: list[tuple[int, int]],
) -> None:
    outputs = np.repeat([value for value, _ in runs], [count for _, count in runs]).astype(np.uint8)
    config = DetectorConfig(threshold=0.5, window=1, refractory=REFRACTORY)
    proposed = Detector(dataclasses.replace(config, again=4)).push(outputs)
    found = told([candidate(one.step, 1.0, one.risen) for one in proposed])
    assert found[:1] == [one.step for one in Detector(config).push(outputs)][:1]
    assert all(later - earlier >= REFRACTORY for earlier, later in pairwise(found))
