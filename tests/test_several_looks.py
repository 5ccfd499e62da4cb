"""Several looks at one candidate: each listens as long as it would alone, and their logits have one mean."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from kws.confirmed import mean_score
from kws.errors import BundleError
from kws.frontends import MICRO, WAVEFORM, row_format
from kws.recent_rows import RecentRows
from kws.several_looks import SeveralLooks

ROW = row_format(WAVEFORM).row_seconds
START, CANDIDATE = 0, 900


@dataclass
class Known:
    """A look that notes what it is asked, and knows a score for every row up to which it has heard."""

    source: str
    back_seconds: float
    wait_seconds: float
    step_rows: int
    scores: dict[int, float] = field(default_factory=dict)
    front_end: str = WAVEFORM
    score: float = 0.0
    asked: list[tuple[object, ...]] = field(default_factory=list)
    kept: tuple[RecentRows, ...] = field(default_factory=lambda: (RecentRows(WAVEFORM, 100),))

    def begin(self, first: int, last: int) -> None:
        self.score = 0.0
        self.asked.append(("begin", first, last))

    def push(self, last: int) -> None:
        self.score = max(self.score, self.scores.get(last, 0.0))
        self.asked.append(("push", last))

    def finish(self, last: int) -> None:
        self.push(last)
        self.asked[-1] = ("finish", last)

    def open(self) -> None:
        self.asked.append(("open",))

    def reset(self) -> None:
        self.asked.append(("reset",))


def short(**scores: float) -> Known:
    return Known("short", 2.5, 8 * ROW, 4, {int(row[1:]): score for row, score in scores.items()})


def long(**scores: float) -> Known:
    return Known("long", 8.0, 32 * ROW, 6, {int(row[1:]): score for row, score in scores.items()})


def test_each_hears_as_much_before_and_after_as_it_would_alone() -> None:
    one, other = short(), long()
    both = SeveralLooks([(one, 1.0), (other, 2.0)])
    assert (both.front_end, both.step_rows) == (WAVEFORM, 2)
    assert (both.back_seconds, both.wait_seconds) == (8.0, 32 * ROW)
    both.begin(CANDIDATE - round(8 / ROW), CANDIDATE)
    for row in range(CANDIDATE + 2, CANDIDATE + 33, 2):
        both.push(row)
    both.finish(CANDIDATE + 32)
    rows = [CANDIDATE + ahead for ahead in range(2, 33, 2)]
    first = [("push", row) for row in rows if row <= CANDIDATE + 8]
    assert one.asked == [
        ("begin", CANDIDATE - round(2.5 / ROW), CANDIDATE),
        *first,
        ("finish", CANDIDATE + 8),
    ]
    every = [("push", row) for row in rows]
    assert other.asked == [
        ("begin", CANDIDATE - round(8 / ROW), CANDIDATE),
        *every,
        ("finish", CANDIDATE + 32),
    ]


def test_the_score_is_the_mean_of_logits_with_their_weights() -> None:
    both = SeveralLooks([(short(r904=0.7), 1.0), (long(r920=0.4), 3.0)])
    both.begin(START, CANDIDATE)
    assert both.score < 0.01
    both.push(904)
    assert both.score == pytest.approx(mean_score([0.7, 0.0], [1.0, 3.0]))
    both.push(920)
    assert both.score == pytest.approx(mean_score([0.7, 0.4], [1.0, 3.0]))
    assert both.weight == 4.0
    logit = (np.log(0.7 / 0.3) + 3 * np.log(0.4 / 0.6)) / 4
    assert both.score == pytest.approx(1 / (1 + np.exp(-logit)))


def test_one_that_has_finished_hears_no_more_of_a_candidate_but_of_the_next() -> None:
    one = short(r912=0.9, r1004=0.8)
    both = SeveralLooks([(one, 1.0), (long(), 1.0)])
    both.begin(START, CANDIDATE)
    both.push(912)
    assert one.asked[1:] == [("push", 908), ("finish", 908)]
    both.finish(916)
    assert one.score == 0.0
    both.begin(START, 1000)
    both.push(1004)
    assert one.score == 0.8


def test_the_end_of_a_stream_finishes_all_where_they_are() -> None:
    one, other = short(), long()
    both = SeveralLooks([(one, 1.0), (other, 1.0)])
    both.begin(START, CANDIDATE)
    both.finish(CANDIDATE + 4)
    assert (one.asked[-1], other.asked[-1]) == (("finish", CANDIDATE + 4),) * 2


def test_all_are_opened_and_reset() -> None:
    looks = [short(), long()]
    both = SeveralLooks([(look, 1.0) for look in looks])
    both.open()
    both.reset()
    for look in looks:
        assert look.asked == [("open",), ("reset",)]


def test_what_they_share_is_kept_once() -> None:
    one, other, third = short(), long(), long()
    assert SeveralLooks([(one, 1.0), (other, 1.0)]).kept == [*one.kept, *other.kept]
    third.kept = one.kept
    assert SeveralLooks([(one, 1.0), (other, 1.0), (third, 1.0)]).kept == [*one.kept, *other.kept]


def test_looks_on_different_rows_are_refused() -> None:
    one, other = short(), long()
    other.front_end = MICRO
    with pytest.raises(BundleError, match="short: waveform, long: micro"):
        SeveralLooks([(one, 1.0), (other, 1.0)])
