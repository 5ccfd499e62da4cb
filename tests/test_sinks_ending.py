"""The end of sinks: it takes no longer for many that hang than for one."""

from __future__ import annotations

from typing import Any

import pytest

from kws.sinks import ending


class Clock:
    """A `time` that passes where somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Hanging:
    """A thread that never ends, and everything around it."""

    def __init__(self, clock: Clock, said: list[str], name: str) -> None:
        self._clock, self._said, self.name = clock, said, name
        self.thread: Any = self
        self.spool: Any = None
        self.ended = False

    def join(self, seconds: float) -> None:
        self._clock.now += seconds

    def finish(self) -> None:
        self._said.append(f"{self.name} finish")

    def give_up(self) -> None:
        self._said.append(f"{self.name} give up")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(ending, "time", clock)
    return clock


@pytest.mark.parametrize("count", [1, 50])
def test_many_that_hang_take_as_long_as_one(clock: Clock, count: int) -> None:
    outlets: list[Any] = [Hanging(clock, [], str(number)) for number in range(count)]
    for outlet in outlets:
        outlet.spool = Hanging(clock, [], "spool")
    assert ending.end(outlets, 0.5) == outlets
    assert clock.now == pytest.approx(100 + 0.5 + ending.INTERRUPTED_SECONDS + ending.SPOOLED_SECONDS)


def test_all_are_told_before_any_is_waited_for(clock: Clock) -> None:
    said: list[str] = []
    outlets: list[Any] = [Hanging(clock, said, name) for name in "ab"]
    outlets[0].spool = Hanging(clock, said, "spool")
    ended: Any = Hanging(clock, [], "c")
    ended.ended = True
    assert ending.end([*outlets, ended], 0.5) == outlets
    assert said == ["a finish", "b finish", "a give up", "b give up", "spool finish"]
