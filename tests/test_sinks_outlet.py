"""Outlets: whatever a sink does, the audio is not held up, and the counts tell what became of every event."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from pulse import wait_for

from kws.events import Event, Gap
from kws.sinks import outlet
from kws.sinks.memory import Collector
from kws.sinks.notice import Notice, RefusedError, UnavailableError
from kws.sinks.outlet import Outlet


def gap(number: int) -> Event:
    return Gap(start=float(number), end=float(number), reason="test")


class Gate(Collector):
    """A sink that hangs until it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()
        self.reached = threading.Event()

    def emit(self, event: Event, /) -> None:
        self.reached.set()
        self.opened.wait()
        super().emit(event)


class Failing(Collector):
    """A sink that raises this until it is mended."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error
        self.tries = 0

    def emit(self, event: Event, /) -> None:
        self.tries += 1
        if self.error:
            raise self.error
        super().emit(event)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(outlet, "LONGEST_PAUSE", 0.004)


def settled(subject: Outlet) -> Callable[[], bool]:
    """Whether every event has met its fate."""

    def is_settled() -> bool:
        counts = subject.counts
        return counts.taken == counts.delivered + counts.dropped + counts.refused

    return is_settled


def test_events_arrive_in_order_and_are_counted() -> None:
    sink = Collector()
    subject = Outlet("test", sink)
    for number in range(50):
        subject.emit(gap(number))
    assert subject.close(10)
    assert sink.events == [gap(number) for number in range(50)]
    assert sink.closed
    assert (subject.counts.taken, subject.counts.delivered, subject.depth) == (50, 50, 0)


def test_only_events_of_the_types_named_are_taken() -> None:
    sink = Collector()
    subject = Outlet("test", sink, types=["detection"])
    subject.emit(gap(1))
    assert subject.close(10)
    assert (sink.events, subject.counts.taken) == ([], 0)


def test_a_hanging_sink_costs_the_oldest_events_and_no_time() -> None:
    sink = Gate()
    subject = Outlet("test", sink, capacity=10)
    subject.emit(gap(0))
    assert sink.reached.wait(10)
    for number in range(1, 1_001):
        subject.emit(gap(number))  # would hang here
    assert (subject.depth, subject.counts.dropped) == (10, 990)
    sink.opened.set()
    assert subject.close(10)
    assert sink.events == [gap(0), *(gap(number) for number in range(991, 1_001))]
    assert subject.counts.delivered == 11


def test_a_hanging_sink_does_not_hold_up_the_end() -> None:
    sink = Gate()
    subject = Outlet("test", sink)
    subject.emit(gap(0))
    assert sink.reached.wait(10)
    assert not subject.close(0.01)
    sink.opened.set()


def test_a_sink_that_can_be_interrupted_is() -> None:
    class Interruptible(Gate):
        def interrupt(self) -> None:
            self.opened.set()

    sink = Interruptible()
    subject = Outlet("test", sink)
    subject.emit(gap(0))
    assert sink.reached.wait(10)
    subject.close(0.01)
    wait_for(lambda: sink.closed, "end of the interrupted sink")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), UnavailableError("busy")])
def test_what_may_be_mended_is_tried_again_until_it_is(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    sink = Failing(error)
    subject = Outlet("the-sink", sink)
    subject.emit(gap(1))
    subject.emit(gap(2))
    wait_for(lambda: sink.tries >= 5, "fifth try")
    sink.error = None
    wait_for(settled(subject), "delivery")
    assert sink.events == [gap(1), gap(2)]
    assert (subject.counts.delivered, subject.counts.dropped) == (2, 0)
    assert subject.counts.failures >= 5
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 2, "one line as it fails, one as it works again"
    assert texts[0].startswith("the-sink: ")
    assert "works again" in texts[1]
    subject.close()


def test_an_event_that_cannot_be_delivered_in_time_is_dropped_and_counted() -> None:
    sink = Failing(OSError("away"))
    subject = Outlet("test", sink, retry_seconds=0)
    for number in range(3):
        subject.emit(gap(number))
    wait_for(settled(subject), "end of the tries")
    assert (subject.counts.dropped, sink.tries) == (3, 3)
    subject.close()


@pytest.mark.parametrize("error", [RefusedError("no"), ZeroDivisionError("a defect")])
def test_what_is_refused_is_not_tried_again_and_others_follow(error: Exception) -> None:
    sink = Failing(error)
    subject = Outlet("test", sink)
    subject.emit(gap(1))
    wait_for(settled(subject), "refusal")
    sink.error = None
    subject.emit(gap(2))
    assert subject.close(10)
    assert (sink.events, sink.tries) == ([gap(2)], 2)
    assert (subject.counts.refused, subject.counts.delivered) == (1, 1)


def test_what_waits_at_the_end_is_dropped_and_counted() -> None:
    sink = Failing(OSError("away"))
    subject = Outlet("test", sink)
    for number in range(5):
        subject.emit(gap(number))
    wait_for(lambda: sink.tries > 0, "first try")
    subject.close(0.01)
    wait_for(settled(subject), "end")
    assert subject.counts.dropped == 5


def test_emitting_from_many_threads_loses_nothing() -> None:
    class Counting:
        def __init__(self) -> None:
            self.count = 0

        def emit(self, notice: Notice, /) -> None:
            self.count += 1

        def close(self) -> None:
            pass

    sink = Counting()
    subject = Outlet("test", sink, capacity=10_000)
    threads = [threading.Thread(target=lambda: [subject.emit(gap(n)) for n in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert subject.close(30)
    assert sink.count == subject.counts.delivered == 4_000
