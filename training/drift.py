"""Does a state that is never reset wander off? Two hours through one engine, and fresh engines beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from kws.engine import Engine
from kws.evaluation import Matched, Rate, match_detections
from kws.evaluation.streams import Layout, Stream, StreamRecipe
from kws.events import Detection
from kws.types import SAMPLE_RATE, Block, Samples
from training.accuracy.streams import joined_stream
from training.data.manifest import Clip

RECIPE = StreamRecipe(gap=(0.5, 1.5))

COMMON_SECONDS = 10.0
"""Of audio that a fresh engine hears before its events must be those of the one that has run for long."""
SAME_SECONDS = 0.2
"""Events closer than this are the same one."""


@dataclass(frozen=True)
class Hour:
    """One stretch of the stream as the engine heard it."""

    matched: Matched
    hours: float

    @property
    def false_alarms(self) -> Rate:
        """Per hour of recordings."""
        return Rate(len(self.matched.false_alarms), self.hours)

    def holds(self, later: Hour) -> bool:
        """Whether the later hour's misses and false alarms lie within this one's 95 % intervals."""
        low, high = self.matched.misses.interval
        fewest, most = self.false_alarms.interval
        return low <= later.matched.misses.value <= high and fewest <= later.false_alarms.per_hour <= most


@dataclass(frozen=True)
class Comparison:
    """Events of a long-running and of fresh engines over the same audio."""

    positions: int
    shifts: tuple[float, ...]
    """Of the events heard by both, how far they lie apart, seconds."""
    only_long: tuple[float, ...]
    """Heard by the long-running engine alone, seconds."""
    only_fresh: tuple[float, ...]
    """Heard by a fresh one alone."""

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(
            self.positions + other.positions,
            self.shifts + other.shifts,
            self.only_long + other.only_long,
            self.only_fresh + other.only_fresh,
        )

    @property
    def agrees(self) -> bool:
        """No event is heard by one kind of engine alone."""
        return not self.only_long and not self.only_fresh


def sprinkled(
    words: Sequence[Clip], speech: Iterator[Clip], seconds: float, rng: np.random.Generator
) -> list[Clip]:
    """All the words, in random order, at random places among as much speech as fills the time."""
    wanted = seconds - _playing_time(words)
    clips: list[Clip] = []
    while wanted > 0 and (clip := next(speech, None)):
        clips.append(clip)
        wanted -= _playing_time([clip])
    places = np.sort(rng.integers(0, len(clips) + 1, len(words)))[::-1]
    for place, index in zip(places, rng.permutation(len(words)), strict=True):
        clips.insert(place, words[index])
    return clips


def hours_of(
    words: Sequence[Clip],
    speech: Sequence[Clip],
    word: str,
    *,
    count: int = 2,
    seconds: float = 3600,
    seed: int = 1,
) -> tuple[Stream, list[Layout]]:
    """One stream that plays the same stretch `count` times, and what is in each.

    A stretch holds all the words among speech. Played again it differs by what was heard before, nothing
    else: words among other speech would be missed in other numbers by that alone.
    """
    rng = np.random.default_rng(seed)
    shuffled = iter([speech[index] for index in rng.permutation(len(speech))])
    stretches = [sprinkled(words, shuffled, seconds, rng)] * count
    stream = joined_stream([clip for stretch in stretches for clip in stretch], RECIPE, word=word)
    bounds = np.cumsum([0, *map(len, stretches)])
    layouts = [Layout(stream.layout.segments[a:b]) for a, b in pairwise(bounds)]
    return stream, layouts


def detections(engine: Engine, samples: Samples, start: int = 0) -> list[Detection]:
    """What an engine hears in a stretch that begins at sample `start` of its stream, in blocks of 0.1 s."""
    events = [event for block in _blocks(samples, start) for event in engine.push(block)]
    return [event for event in events if isinstance(event, Detection)]


def heard_in(events: Sequence[Detection], layout: Layout) -> Hour:
    """The events that fall into one stretch, against the words in it."""
    first, last = layout.segments[0].start, layout.segments[-1].end + RECIPE.gap[0]
    within = [event for event in events if first <= event.end < last]
    return Hour(match_detections(within, layout.occurrences), layout.hours)


def compare_with_fresh(
    engine: Engine,
    samples: Samples,
    long_running: Sequence[Detection],
    positions: Iterable[int],
    seconds: float,
) -> Comparison:
    """Start anew at every position, hear 10 s, then compare events until `seconds` after the position.

    Args:
        engine: reset at each position.
        samples: the whole stream.
        long_running: its events without any reset.
        positions: sample indices.
        seconds: stretch that each fresh start hears.
    """
    found = Comparison(0, (), (), ())
    for position in positions:
        engine.reset()
        stretch = samples[position : position + round(seconds * SAMPLE_RATE)]
        fresh = detections(engine, stretch, position)
        judged = position / SAMPLE_RATE + COMMON_SECONDS, (position + len(stretch)) / SAMPLE_RATE
        found += _compared(long_running, fresh, *judged)
    return found


def _compared(
    long_running: Sequence[Detection], fresh: Sequence[Detection], first: float, last: float
) -> Comparison:
    """Both from `first` to `last`; the partner of an event may lie just outside."""
    shifts = {event.end: _distance(event, fresh) for event in _between(long_running, first, last)}
    alone = [e.end for e in _between(fresh, first, last) if _distance(e, long_running) > SAME_SECONDS]
    return Comparison(
        positions=1,
        shifts=tuple(shift for shift in shifts.values() if shift <= SAME_SECONDS),
        only_long=tuple(end for end, shift in shifts.items() if shift > SAME_SECONDS),
        only_fresh=tuple(alone),
    )


def _between(events: Sequence[Detection], first: float, last: float) -> list[Detection]:
    return [event for event in events if first < event.end <= last]


def _distance(event: Detection, others: Sequence[Detection]) -> float:
    return min((abs(other.end - event.end) for other in others), default=np.inf)


def _playing_time(clips: Iterable[Clip]) -> float:
    return sum(clip.seconds + float(np.mean(RECIPE.gap)) for clip in clips)


def _blocks(samples: Samples, start: int) -> Iterator[Block]:
    for offset in range(0, len(samples), SAMPLE_RATE // 10):
        yield Block(samples[offset : offset + SAMPLE_RATE // 10], start=start + offset)
