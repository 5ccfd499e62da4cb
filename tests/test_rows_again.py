"""Rows of a front end, once for all that ask for the same part, and always those of a fresh start."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kws.bundle import find_bundle
from kws.frontends import MICRO, SPEECH_EMBEDDING, WAVEFORM, new_front_end
from kws.recent_rows import RecentRows
from kws.rows_again import AudioStage, RowsAgain
from kws.second_opinion import KeptAudio, SecondOpinion
from kws.stage_pool import StagePool
from kws.types import Rows

NOISE = np.random.default_rng(4).normal(0, 900, (1000, 160)).astype(np.int16)
KEPT = RecentRows(WAVEFORM, 1000)
KEPT.extend(0, NOISE)  # type: ignore[arg-type]


class Counted(AudioStage):
    """Knows how much it has heard."""

    def __init__(self, front_end: str = MICRO) -> None:
        super().__init__(front_end)
        self.heard = 0

    def push(self, rows: Rows) -> Any:
        self.heard += len(rows)
        return super().push(rows)


def sharing(*pools: StagePool, front_end: str = MICRO, audio: RecentRows = KEPT) -> RowsAgain:
    """For as many as there are pools."""
    rows = RowsAgain(front_end, audio)
    for pool in pools:
        rows.share(pool)
    return rows


def alone(front_end: str, first: int, start: int, end: int) -> Rows:
    """What a front end of its own gives."""
    hears = new_front_end(front_end)
    before = hears.push(NOISE[first:start].ravel())
    assert before.dtype == np.int8
    return hears.push(NOISE[start:end].ravel())


parts = st.tuples(st.sampled_from([0, 7, 80]), st.integers(0, 60), st.integers(0, 60)).map(
    lambda p: (p[0], p[0] + min(p[1:]), p[0] + max(p[1:]))
)


@pytest.mark.parametrize("front_end", [MICRO, SPEECH_EMBEDDING])
@given(st.lists(parts, min_size=1, max_size=8))
@settings(deadline=None, max_examples=25)
def test_rows_are_those_of_a_fresh_start_whoever_asked_before(
    front_end: str, asked: list[tuple[int, int, int]]
) -> None:
    pool = StagePool(lambda: AudioStage(front_end))
    one, other = (sharing(pool, front_end=front_end) for _ in range(2))
    for number, (first, start, end) in enumerate(asked):
        rows = (one, one, other)[number % 3].between(first, start, end)
        np.testing.assert_array_equal(rows, alone(front_end, first, start, end), strict=True)


def test_what_was_heard_is_not_heard_again() -> None:
    stage = Counted()
    rows = sharing(StagePool(lambda: stage))
    for first, start, end, heard in (
        *((100, 100, 900, 800), (100, 100, 900, 800), (100, 850, 880, 800), (100, 900, 903, 803)),
        *((101, 101, 111, 813), (100, 100, 103, 816)),
    ):
        rows.between(first, start, end)
        assert stage.heard == heard


def test_parts_that_go_on_in_turn_are_each_heard_once() -> None:
    stages = [Counted(), Counted()]
    rows = sharing(*(StagePool(lambda stage=stage: stage) for stage in stages))
    for step in range(10):
        for first in (0, 8):
            start, end = (
                (first, first + 800) if step == 0 else (first + 797 + 3 * step, first + 800 + 3 * step)
            )
            np.testing.assert_array_equal(rows.between(first, start, end), alone(MICRO, first, start, end))
    assert [stage.heard for stage in stages] == [827, 827]


def test_after_a_reset_rows_of_the_same_number_are_others() -> None:
    audio = RecentRows(WAVEFORM, 100)
    rows = sharing(StagePool(lambda: AudioStage(MICRO)), audio=audio)
    audio.extend(0, NOISE[:50])  # type: ignore[arg-type]
    before = rows.between(0, 0, 50)
    audio.clear()
    rows.reset()
    audio.extend(0, NOISE[50:100])  # type: ignore[arg-type]
    after = rows.between(0, 0, 50)
    assert not np.array_equal(after, before)
    np.testing.assert_array_equal(after, alone(MICRO, 50, 50, 100))


def test_words_that_propose_at_once_share_the_front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    stages: list[Counted] = []

    def counted(front_end: str, engine: str) -> Counted:
        stages.append(Counted(front_end))
        return stages[-1]

    monkeypatch.setattr("kws.second_opinion.AudioStage", counted)
    kept = KeptAudio()
    looks = [SecondOpinion(find_bundle(name), kept) for name in ("computer", "alexa", "jarvis")]
    for look in looks:
        look.rehearing.rows.extend(0, NOISE)  # type: ignore[arg-type]
    scores = []
    for look in looks:
        look.begin(100, 900)
        look.push(903)
        look.finish(932)
        scores.append(look.score)
    assert [stage.heard for stage in stages] == [832]
    for name, score in zip(("computer", "alexa", "jarvis"), scores, strict=True):
        own = SecondOpinion(find_bundle(name), KeptAudio())
        own.rehearing.rows.extend(0, NOISE)  # type: ignore[arg-type]
        own.begin(100, 900)
        own.finish(932)
        assert own.score == score
