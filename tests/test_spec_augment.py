"""SpecAugment: no more is hidden than was said, and all of it at some time."""

from __future__ import annotations

import numpy as np

from training.learning.spec_augment import hide


def test_at_most_so_many_channels_and_rows_are_hidden() -> None:
    rng = np.random.default_rng(1)
    widths, heights, never = set(), set(), np.ones((30, 10), bool)
    for _ in range(400):
        rows = np.ones((30, 10), np.int8)
        hide(rows, rng, channels=3, stretch=5)
        widths.add(int((rows == 0).all(axis=0).sum()))
        heights.add(int((rows == 0).all(axis=1).sum()))
        never &= rows == 1
    assert widths == {0, 1, 2, 3}
    assert heights == {0, 1, 2, 3, 4, 5}
    assert not never.any()


def test_what_is_hidden_lies_side_by_side() -> None:
    rng = np.random.default_rng(2)
    for _ in range(100):
        rows = np.ones((30, 10), np.float32)
        hide(rows, rng, channels=4, stretch=0)
        hidden = np.flatnonzero((rows == 0).all(axis=0))
        assert len(hidden) == 0 or hidden[-1] - hidden[0] == len(hidden) - 1
        np.testing.assert_array_equal(rows, np.broadcast_to(rows[0], rows.shape))
