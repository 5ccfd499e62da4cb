"""Acoustic stages lent to many streams and threads: few are made, none is used by two at once."""

from __future__ import annotations

import dataclasses
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from kws.bundle import find_bundle
from kws.frontends import MICRO, no_rows
from kws.recognition.bundle import RecognizerBundle, read_recognizer, write_recognizer
from kws.recognition.confirmation import rehearing_of
from kws.recognition.tokens import PHONES, LogProbs
from kws.rehearing import Rehearing
from kws.second_opinion import KeptAudio, SecondOpinion
from kws.stage_pool import StagePool, StagePools
from kws.types import Rows

PATIENCE = 60.0
CHANNELS = no_rows(MICRO).shape[1]


class Total:
    """A step per row that says the sum so far, and that nobody else may push meanwhile."""

    step_seconds = 0.01
    front_end = MICRO

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self.reset()

    def push(self, rows: Rows) -> LogProbs:
        assert self._busy.acquire(blocking=False)
        try:
            sums = [self._after(row) for row in rows[:, :1].astype(np.float32)]
            return np.array(sums, np.float32).reshape(-1, 1)
        finally:
            self._busy.release()

    def flush(self) -> LogProbs:
        return np.empty((0, 1), np.float32)

    def reset(self) -> None:
        self._sum = np.float32(0)

    def _after(self, row: Rows) -> np.float32:
        self._sum = np.float32(self._sum + row[0])
        return self._sum


def looks(pool: StagePool, number: int) -> list[LogProbs]:
    """What one stream is told of many parts, each heard row by row."""
    stream = np.random.default_rng(number).integers(-99, 99, (300, 1)).astype(np.int8).repeat(CHANNELS, 1)
    rehearing = Rehearing(pool, MICRO, 10.0)
    rehearing.rows.extend(0, stream)
    return [
        rehearing.heard(first, last) for first in range(0, 200, 20) for last in range(first + 60, 300, 30)
    ]


@pytest.mark.parametrize("most", [1, 2])
def test_streams_in_threads_of_their_own_hear_what_each_hears_alone(most: int) -> None:
    made: list[Total] = []

    def make() -> Total:
        made.append(Total())
        return made[-1]

    shared = StagePool(make, most)
    with ThreadPoolExecutor(8) as threads:
        together = list(threads.map(lambda number: looks(shared, number), range(8)))
    assert 1 <= len(made) <= most
    for number, told in enumerate(together):
        for heard, alone in zip(told, looks(StagePool(Total), number), strict=True):
            assert np.array_equal(heard, alone)


def test_who_comes_again_finds_the_stage_as_it_was_unless_another_has_had_it() -> None:
    pool, one, other = StagePool(Total), object(), object()
    for borrower, expected in ((one, False), (one, True), (other, False), (one, False)):
        with pool.lent(borrower) as (_, as_left):
            assert as_left is expected


def test_one_that_failed_is_not_taken_to_be_as_it_was_left() -> None:
    pool, borrower = StagePool(Total), object()
    with pytest.raises(OSError, match="broken"), pool.lent(borrower):
        raise OSError("broken")
    with pool.lent(borrower) as (_, as_left):
        assert not as_left


def test_the_one_that_rested_longest_is_lent_first() -> None:
    pool, old, new = StagePool(Total, 2), object(), object()
    with pool.lent(old) as (first, _), pool.lent(new) as (second, _):
        assert first is not second
    with pool.lent(new) as (again, as_left):
        assert again is second
        assert as_left
    with pool.lent(object()) as (given, _):
        assert given is first


def test_who_finds_all_lent_waits() -> None:
    pool, heard = StagePool(Total), threading.Event()

    def hear() -> None:
        with pool.lent(object()):
            heard.set()

    waiting = threading.Thread(target=hear)
    with pool.lent(object()):
        waiting.start()
        assert not heard.is_set()
    assert heard.wait(PATIENCE)
    waiting.join()


def test_one_that_could_not_be_made_is_tried_again() -> None:
    tries = iter([OSError("no memory"), None])

    def make() -> Total:
        if error := next(tries):
            raise error
        return Total()

    pool = StagePool(make)
    with pytest.raises(OSError, match="no memory"), pool.lent(object()):
        raise AssertionError("lent")
    with pool.lent(object()) as (stage, _):
        assert isinstance(stage, Total)


def test_there_is_a_pool_for_each_recognizer_as_it_is_now(tmp_path: Path) -> None:
    tokens = {"phones": (0, len(PHONES))}
    path = write_recognizer(tmp_path, "ears", b"", language="en", tokens=tokens, flush_rows=0, card={})
    pools, recognizer = StagePools(), read_recognizer(path)

    def pool(of: RecognizerBundle, among: StagePools) -> StagePool:
        return rehearing_of(of, None, among)._stages

    assert pool(recognizer, pools) is pool(read_recognizer(path), pools)
    assert pool(recognizer, pools) is not pool(dataclasses.replace(recognizer, model_sha256="0" * 64), pools)
    assert pool(recognizer, pools) is not pool(recognizer, StagePools())


def test_engines_share_what_gives_a_second_opinion() -> None:
    pools, bundle = StagePools(), find_bundle("computer")
    one, other = (SecondOpinion(bundle, KeptAudio(pools)) for _ in range(2))
    assert one.rehearing._stages is other.rehearing._stages
    assert one._rows is not other._rows
    (part,), (others,) = one._rows._parts, other._rows._parts
    assert part._stages is others._stages
    assert one.rehearing.rows is not other.rehearing.rows
    alone = SecondOpinion(bundle, KeptAudio())
    audio = np.random.default_rng(1).normal(0, 900, (300, 160)).astype(np.int16)
    scores = []
    for look in (one, other, alone):
        look.rehearing.rows.extend(0, audio)
        look.begin(0, 200)
    for look in (one, other, alone):  # in turn: the stage must hear each again from its beginning
        look.push(250)
        look.push(280)
        scores.append(look.score)
    assert scores[0] == scores[1] == scores[2] > 0
