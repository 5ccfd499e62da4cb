"""The last seconds of a stream: as long as asked for, with their places, copied."""

from __future__ import annotations

import numpy as np

from kws.ring import RecentAudio
from kws.types import SAMPLE_RATE, Block

COUNTING = np.arange(3 * SAMPLE_RATE // 100).astype(np.int16)  # 30 ms


def filled(seconds: float = 1.0) -> RecentAudio:
    ring = RecentAudio(seconds)
    for number in range(100):  # 3 s
        ring.push(Block(COUNTING + number, start=number * len(COUNTING)))
    return ring


def test_it_keeps_what_was_asked_for_and_at_most_a_block_more() -> None:
    kept = sum(len(block.pcm) for block in filled().blocks)
    assert SAMPLE_RATE <= kept < SAMPLE_RATE + len(COUNTING)


def test_a_cut_is_what_lay_between_two_places() -> None:
    ring = filled(10)
    whole = np.concatenate([COUNTING + number for number in range(100)])
    assert ring.position == len(whole)
    for start, end in ((0, 10), (100, 5_000), (479, 481), (47_000, 48_000), (5, 5)):
        assert np.array_equal(ring.cut(start, end), whole[start:end])


def test_lost_and_forgotten_audio_is_left_out() -> None:
    ring = RecentAudio(10)
    ring.push(Block(COUNTING, start=0))
    ring.push(Block(COUNTING, start=10_000))
    assert np.array_equal(ring.cut(0, 20_000), np.concatenate([COUNTING, COUNTING]))
    assert np.array_equal(ring.cut(9_000, 10_001), COUNTING[:1])
    assert len(ring.cut(1_000, 9_000)) == 0


def test_blocks_without_a_place_follow_each_other_and_empty_ones_do_not_count() -> None:
    ring = RecentAudio(10)
    for pcm in (COUNTING, COUNTING[:0], COUNTING):
        ring.push(Block(pcm))
    assert [block.start for block in ring.blocks] == [0, len(COUNTING)]
    ring.clear()
    assert (ring.position, ring.blocks) == (0, [])
