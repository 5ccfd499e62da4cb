"""The queue between audio thread and reader: what goes in comes out, and what is lost is counted."""

from __future__ import annotations

import pytest

from kws.sources.capture import PIECE_SECONDS, QUEUE_SECONDS, Capture, Piece

RATE = 1_000
FRAMES = round(RATE * PIECE_SECONDS)
DEPTH = round(QUEUE_SECONDS / PIECE_SECONDS)
"""Pieces that the queue holds."""


class Driver:
    """Puts pieces as a driver whose clock never errs; `now` is that clock."""

    def __init__(self, stamps: bool = True) -> None:
        self.now = 100.0
        self.capture = Capture(RATE, clock=lambda: self.now)
        self._stamps = stamps
        self._count = 0

    def deliver(self, lost: int = 0, flagged: bool = False) -> bytes:
        """One piece after `lost` frames were lost in the driver."""
        captured = self.now + lost / RATE
        self.now = captured + FRAMES / RATE
        self._count += 1
        pcm = self._count.to_bytes(4, "little")
        self.capture.put(pcm, FRAMES, captured if self._stamps else 0.0, flagged)
        return pcm

    def taken(self) -> Piece:
        piece = self.capture.take(0)
        assert piece
        return piece


@pytest.fixture
def driver() -> Driver:
    return Driver()


def test_pieces_come_in_order_with_the_time_of_their_end(driver: Driver) -> None:
    sent = [driver.deliver() for _ in range(10)]
    pieces = [driver.taken() for _ in range(10)]
    assert [piece.pcm for piece in pieces] == sent
    assert {piece.lost for piece in pieces} == {None}
    assert pieces[-1].arrived == driver.now


def test_a_full_queue_loses_the_newest_and_the_next_piece_says_how_many(driver: Driver) -> None:
    for _ in range(DEPTH + 3):
        driver.deliver()
    assert [driver.taken().lost for _ in range(DEPTH)] == [None] * DEPTH
    assert driver.capture.take(0) is None
    driver.deliver()
    assert driver.taken().lost == 3 * FRAMES
    driver.deliver()
    assert driver.taken().lost is None


@pytest.mark.parametrize("stamps", [True, False])
@pytest.mark.parametrize("lost", [0, 1, 77, 30_000])
def test_what_the_driver_lost_is_estimated_from_its_clock(lost: int, stamps: bool) -> None:
    driver = Driver(stamps)
    driver.deliver()
    driver.deliver(lost, flagged=True)
    driver.deliver()
    assert [driver.taken().lost for _ in range(3)] == [None, lost, None]


def test_a_late_clock_without_the_flag_is_no_loss(driver: Driver) -> None:
    driver.deliver()
    driver.deliver(lost=50, flagged=False)
    assert [driver.taken().lost for _ in range(2)] == [None, None]


def test_a_flag_on_the_first_piece_is_no_loss(driver: Driver) -> None:
    driver.deliver(flagged=True)
    assert driver.taken().lost is None


def test_losses_of_queue_and_driver_add_up(driver: Driver) -> None:
    for _ in range(DEPTH):
        driver.deliver()
    driver.deliver(lost=100, flagged=True)  # dropped itself
    driver.taken()
    driver.deliver(lost=10, flagged=True)
    for _ in range(DEPTH - 1):
        driver.taken()
    assert driver.taken().lost == 100 + FRAMES + 10


def test_the_end_comes_after_what_is_queued(driver: Driver) -> None:
    driver.deliver()
    driver.capture.end()
    assert driver.taken()
    assert driver.capture.take(60) is None
    assert driver.capture.ended


def test_the_end_of_a_full_queue_is_not_lost(driver: Driver) -> None:
    for _ in range(DEPTH):
        driver.deliver()
    driver.capture.end()
    for _ in range(DEPTH):
        driver.taken()
    assert driver.capture.take(0) is None
    assert driver.capture.ended


def test_silence_of_the_driver_ends_the_wait(driver: Driver) -> None:
    assert driver.capture.take(0.01) is None
    assert not driver.capture.ended
