"""Rows kept in pieces, and one acoustic model that hears parts of them for several words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kws.frontends import MICRO, no_rows
from kws.recent_rows import RecentRows
from kws.recognition.tokens import LogProbs
from kws.rehearing import Rehearing
from kws.stage_pool import StagePool
from kws.types import Rows

CHANNELS = no_rows(MICRO).shape[1]
STREAM: Rows = np.arange(1000).astype(np.int8)[:, None].repeat(CHANNELS, axis=1)


class Sums:
    """A step per four rows, one late, that says the sum of all rows since the last reset."""

    step_seconds = 0.04
    front_end = MICRO

    def __init__(self) -> None:
        self.starts = 0
        self.reset()

    def push(self, rows: Rows) -> LogProbs:
        self._rows = np.concatenate([self._rows, rows[:, 0].astype(np.float32)])
        return self._until(max(0, len(self._rows) // 4 - 1))

    def flush(self) -> LogProbs:
        return self._until(len(self._rows) // 4)

    def reset(self) -> None:
        self.starts += 1
        self._rows = np.empty(0, np.float32)
        self._told = 0

    def _until(self, steps: int) -> LogProbs:
        sums = [[self._rows[: 4 * (step + 1)].sum()] for step in range(self._told, steps)]
        self._told = steps
        return np.array(sums, np.float32).reshape(-1, 1)


def alone(first: int, last: int, *, rest: bool = False, stream: Rows = STREAM) -> LogProbs:
    """What a model of its own says of a part."""
    stage = Sums()
    heard = stage.push(stream[first:last])
    return np.concatenate([heard, stage.flush()]) if rest else heard


@given(st.lists(st.integers(0, 1000), max_size=30), st.integers(0, 300))
@settings(deadline=None)
def test_what_was_kept_is_there_however_it_came(cuts: list[int], count: int) -> None:
    kept, number = RecentRows(MICRO, count), 0
    for piece in np.split(STREAM, sorted(cuts)):
        kept.extend(number, piece)
        number += len(piece)
        first = max(0, number - len(piece) - count)
        assert np.array_equal(kept.between(first, number), STREAM[first:number])
    assert kept.end == len(STREAM)


def test_rows_that_come_twice_are_kept_once() -> None:
    kept = RecentRows(MICRO, 100)
    for _ in range(3):
        kept.extend(0, STREAM[:40])
    kept.extend(20, STREAM[20:60])
    assert np.array_equal(kept.between(0, 60), STREAM[:60])
    assert kept.end == 60


def test_no_more_is_kept_than_is_needed() -> None:
    kept = RecentRows(MICRO, 100)
    for start in range(0, 1000, 10):
        kept.extend(start, STREAM[start : start + 10])
    assert len(kept.between(0, 1000)) <= 100 + 2 * 10


ASKED = st.tuples(st.sampled_from([0, 400, 404, 407]), st.integers(500, 1000), st.booleans())


@given(st.lists(ASKED, max_size=12))
@settings(deadline=None)
def test_nobody_is_disturbed_by_what_others_ask_for(asked: list[tuple[int, int, bool]]) -> None:
    rehearing = Rehearing(StagePool(Sums), MICRO, 10.0)
    rehearing.rows.extend(0, STREAM)
    for first, last, rest in asked:
        heard = rehearing.with_the_rest(first, last) if rest else rehearing.heard(first, last)
        assert np.array_equal(heard, alone(first, last, rest=rest))


BY_TWO = st.tuples(st.integers(0, 1), ASKED)


@given(st.lists(BY_TWO, max_size=12))
@settings(max_examples=50, deadline=None)
def test_nobody_is_disturbed_by_another_stream_with_the_same_model(
    asked: list[tuple[int, tuple[int, int, bool]]],
) -> None:
    pool = StagePool(Sums)
    both = [Rehearing(pool, MICRO, 10.0), Rehearing(pool, MICRO, 10.0)]
    streams = [STREAM, STREAM[::-1]]
    for rehearing, stream in zip(both, streams, strict=True):
        rehearing.rows.extend(0, stream)
    for who, (first, last, rest) in asked:
        rehearing = both[who]
        heard = rehearing.with_the_rest(first, last) if rest else rehearing.heard(first, last)
        assert np.array_equal(heard, alone(first, last, rest=rest, stream=streams[who]))


def test_a_part_that_goes_on_is_not_heard_again() -> None:
    stage = Sums()
    rehearing = Rehearing(StagePool(lambda: stage), MICRO, 10.0)
    rehearing.rows.extend(0, STREAM)
    fresh = stage.starts
    for _word in range(3):
        for last in range(500, 520, 4):
            rehearing.heard(400, last)
        rehearing.with_the_rest(400, 516)
    assert stage.starts == fresh + 1
    rehearing.heard(404, 520)
    assert stage.starts == fresh + 2


def test_nothing_is_made_before_somebody_asks() -> None:
    def never() -> Sums:
        raise AssertionError("made")

    rehearing = Rehearing(StagePool(never), MICRO, 10.0)
    rehearing.rows.extend(0, STREAM)
    rehearing.reset()
    assert len(rehearing.rows.between(0, 1000)) == 0
    with pytest.raises(AssertionError, match="made"):
        rehearing.heard(0, 100)
