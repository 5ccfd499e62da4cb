"""The silence watch: zeros for long are an alarm, each later than the last, and any sound begins anew."""

from __future__ import annotations

import numpy as np
import pytest

from kws.silence import LONGEST_SECONDS, SilenceWatch
from kws.types import SAMPLE_RATE

ZEROS = np.zeros(SAMPLE_RATE, np.int16)


def alarms(watch: SilenceWatch, seconds: int) -> list[int]:
    """Seconds of silence after which it gave an alarm."""
    return [second for second in range(1, seconds + 1) if watch.push(ZEROS)]


def test_alarms_come_ever_later() -> None:
    assert alarms(SilenceWatch(3), 50) == [3, 9, 21, 45]


def test_but_not_later_than_the_longest() -> None:
    found = alarms(SilenceWatch(200), 3000)
    assert found[0] == 200
    assert set(np.diff(found[2:])) == {LONGEST_SECONDS}


def test_one_sample_of_sound_begins_anew() -> None:
    watch = SilenceWatch(3)
    assert alarms(watch, 5) == [3]
    sound = ZEROS.copy()
    sound[77] = -1
    assert not watch.push(sound)
    assert watch.seconds == 0
    assert alarms(watch, 5) == [3]


@pytest.mark.parametrize("seconds", [0, 5])
def test_no_alarm_without_silence_or_when_switched_off(seconds: int) -> None:
    watch = SilenceWatch(seconds)
    audio = ZEROS if seconds == 0 else ZEROS + 1
    assert not any(watch.push(audio) for _ in range(100))
    assert not watch.push(ZEROS[:0])
