"""Exchanging engines in the middle of a stream: no word is lost, none is reported twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pymicro_wakeword
import pytest

import kws
from kws.daemon import listen
from kws.engine import Engine
from kws.events import Detection, Event, Gap, Transcript
from kws.sinks.memory import Collector
from kws.sources import from_samples, open_source
from kws.swap import REMEMBERED_SECONDS, SwappableEngine
from kws.types import SAMPLE_RATE, Block, Samples

MODEL = Path(pymicro_wakeword.__file__).parent / "models" / "alexa.json"
RECORDING = Path(kws.__file__).parent / "selftest" / "calls.flac"
BLOCK = SAMPLE_RATE // 25


def engine() -> Engine:
    return kws.load(MODEL, threshold=0.3)


@pytest.fixture(scope="module")
def samples() -> Samples:
    with open_source(RECORDING) as blocks:
        return np.concatenate([block.pcm for block in blocks])


@pytest.fixture(scope="module")
def word(samples: Samples) -> Detection:
    """The one detection in the recording."""
    (found,) = engine().push(Block(samples))
    assert isinstance(found, Detection)
    return found


def heard(samples: Samples, at: float) -> list[Event]:
    """Events when a new engine takes over at that second."""
    subject, sink = SwappableEngine(engine()), Collector()

    class Offering(type(from_samples(samples))):  # type: ignore[misc]
        def __iter__(self):  # type: ignore[no-untyped-def]
            for block in super().__iter__():
                if block.start == round(at * SAMPLE_RATE / BLOCK) * BLOCK:
                    subject.offer(engine())
                yield block

    listen(Offering(samples, BLOCK, ""), subject, [sink])
    return sink.events


def test_who_asks_is_told_of_the_one_that_is_to_come() -> None:
    first, second = engine(), engine()
    subject = SwappableEngine(first)
    assert subject.latest is first
    subject.offer(second)
    assert subject.latest is second
    subject.push(Block(np.zeros(BLOCK, np.int16)))
    assert subject.latest is second


@pytest.mark.parametrize(
    "before_the_end", [2.0, 1.0, 0.6, 0.4, 0.2, 0.1, 0.04, 0.0, -0.04, -0.08, -0.3, -0.9]
)
def test_a_word_across_the_change_is_heard_once(
    samples: Samples, word: Detection, before_the_end: float
) -> None:
    (event,) = heard(samples, word.end - before_the_end)
    assert isinstance(event, Detection)
    assert event.name == word.name
    assert event.end == pytest.approx(word.end, abs=0.1)  # the new front end has heard less of the room


def test_without_an_offer_nothing_changes(samples: Samples, word: Detection) -> None:
    assert heard(samples, at=1e6) == [word]


class Recording:
    """An engine that notes what it is told."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []

    def push(self, block: Block) -> list[Event]:
        self.blocks.append(block)
        return [*block.events, Gap(start=0.0, end=0.0, reason="heard")]

    def flush(self) -> list[Event]:
        return []

    def reset(self) -> None:
        self.blocks.clear()


def test_the_new_engine_hears_the_last_seconds_with_their_places() -> None:
    old, new = Recording(), Recording()
    subject = SwappableEngine(old)
    lost = Gap(start=1.0, end=2.0, reason="lost")
    second = np.arange(SAMPLE_RATE, dtype=np.int16)
    buffer = second.copy()
    for number in range(10):
        buffer[:] = second + number  # a source may use its memory again
        subject.push(Block(buffer, "mic", 2 * number * SAMPLE_RATE, (lost,)))
    subject.offer(new)
    last = Block(second, "mic", None, ())
    assert subject.push(last) == [Gap(start=0.0, end=0.0, reason="heard")]

    primed, current = new.blocks[:-1], new.blocks[-1]
    assert current is last
    assert sum(len(block.pcm) for block in primed) == REMEMBERED_SECONDS * SAMPLE_RATE
    assert [block.start for block in primed] == [2 * number * SAMPLE_RATE for number in range(6, 10)]
    assert all(block.events == () for block in primed)
    assert np.array_equal(primed[0].pcm, second + 6)
    assert len(old.blocks) == 10


class Commanded(Recording):
    """An engine that hears a command up to that block, and says then what it heard from when to when."""

    def __init__(self, last: int, answer: Event) -> None:
        super().__init__()
        self._last, self._answer = last, answer

    @property
    def occupied(self) -> bool:
        return 0 < len(self.blocks) < self._last

    def push(self, block: Block) -> list[Event]:
        self.blocks.append(block)
        return [self._answer] if len(self.blocks) == self._last else []


SECOND = Block(np.zeros(SAMPLE_RATE, np.int16))


def test_a_command_that_is_being_heard_is_heard_to_its_end() -> None:
    spoken = Transcript("lights on", 0.9, start=0.5, end=2.5)
    old, new = Commanded(3, spoken), Recording()
    subject = SwappableEngine(old)
    subject.push(SECOND)
    subject.offer(new)
    assert (subject.push(SECOND), subject.push(SECOND)) == ([], [spoken])
    assert new.blocks == []
    subject.push(SECOND)
    assert (len(old.blocks), len(new.blocks)) == (3, 4)


@pytest.mark.parametrize(("start", "counts"), [(0.6, False), (3.5, True)])
def test_what_was_answered_before_a_change_is_not_answered_again(start: float, counts: bool) -> None:
    spoken = Transcript("lights on", 0.9, start=0.5, end=2.5)
    again = Transcript("lights on", 0.9, start=start, end=4.0)
    subject = SwappableEngine(Commanded(3, spoken))
    for _ in range(3):
        subject.push(SECOND)
    subject.offer(Commanded(5, again))  # three seconds of which it hears as it takes over
    assert subject.push(SECOND) == []
    assert subject.push(SECOND) == ([again] if counts else [])


def test_a_stream_that_starts_anew_forgets_the_old_one() -> None:
    subject, new = SwappableEngine(Recording()), Recording()
    subject.push(Block(np.ones(160, np.int16)))
    subject.reset()
    subject.offer(new)
    subject.push(Block(np.zeros(160, np.int16)))
    assert len(new.blocks) == 1
