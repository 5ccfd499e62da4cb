"""The attended source: what is seen to between blocks, and how it stops."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from kws.attended import AttendedSource, StoppedError
from kws.sources import from_samples
from kws.tally import Tally
from kws.types import SAMPLE_RATE, Block

QUIET = np.zeros(SAMPLE_RATE, np.int16)


class Device(type(from_samples(QUIET))):  # type: ignore[misc]
    """A microphone that delivers ten seconds of zeros, or waits for ever."""

    def __init__(self, waits: bool = False) -> None:
        super().__init__(np.tile(QUIET, 10), SAMPLE_RATE, "mic")
        self.reasons: list[str] = []
        self.waits = waits

    def __iter__(self) -> Iterator[Block]:
        if self.waits:
            queue.Queue[Block]().get(timeout=60)
        yield from super().__iter__()

    def reopen(self, reason: str) -> None:
        self.reasons.append(reason)


def attended(source: Device, silence_seconds: float = 0) -> tuple[AttendedSource, Tally, list[str]]:
    tally, calls = Tally(), []
    subject = AttendedSource(
        source,
        silence_seconds=silence_seconds,
        tally=tally,
        opened=lambda: calls.append("opened"),
        between=lambda: calls.append("between"),
        taps=[lambda block: calls.append(f"tap {block.start}")],
    )
    return subject, tally, calls


def test_between_blocks_other_things_are_seen_to() -> None:
    subject, tally, calls = attended(Device())
    with subject as blocks:
        assert [block.start for block in blocks] == [second * SAMPLE_RATE for second in range(10)]
    assert calls[:4] == ["opened", "between", "tap 0", "between"]
    assert calls.count("between") == 11
    assert tally.audio_seconds == 10
    assert sum(tally.block_seconds.counts) == 10


def test_a_device_that_delivers_zeros_is_opened_again() -> None:
    device = Device()
    subject, _, _ = attended(device, silence_seconds=3)
    assert len(list(subject)) == 10
    assert device.reasons == ["nothing but zeros"] * 2


def test_it_stops_after_the_block_that_is_worked_on() -> None:
    subject, _, _ = attended(Device())
    seen = []
    for block in subject:
        seen.append(block)
        if len(seen) == 3:
            subject.stop()
    assert len(seen) == 3


def test_a_signal_ends_the_wait_for_a_block() -> None:
    subject, _, _ = attended(Device(waits=True))
    before = signal.signal(signal.SIGUSR1, lambda number, frame: subject.stop())
    try:
        main = threading.main_thread().ident
        assert main
        timer = threading.Timer(0.1, signal.pthread_kill, [main, signal.SIGUSR1])
        timer.start()
        assert list(subject) == []
        timer.join()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_what_the_signal_raises_is_no_error_that_a_source_might_swallow() -> None:
    assert not issubclass(StoppedError, Exception)


def test_errors_of_the_source_come_through() -> None:
    class Broken(Device):
        def __iter__(self) -> Iterator[Block]:
            raise ValueError("broken")
            yield

    with pytest.raises(ValueError, match="broken"):
        list(attended(Broken())[0])
