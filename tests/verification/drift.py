"""Two hours through one engine that is never reset: the second is heard like the first, and as if fresh.

One hour, all `dev` recordings of the wake word among `dev` speech, is played twice, so that the second
differs by what was heard before alone. Engines started anew every minute of it are compared after 10 s of
common audio. Exit code 1 if the second hour leaves the first one's 95 % interval, or more than one event in
twenty is heard by one kind of engine alone: a recurrent state may judge the same 10 s in two ways, so none is
the aim, and the last line says how many there were.

python tests/verification/drift.py [MODEL ...]      # by default the bundled models
"""

from __future__ import annotations

import sys

import numpy as np

import kws
from kws.types import SAMPLE_RATE
from training.accuracy.dev_recordings import dev_clips, speech_without
from training.accuracy.streams import is_word
from training.drift import Comparison, Hour, compare_with_fresh, detections, heard_in, hours_of

FRESH_EVERY = 60
"""Seconds from one fresh start to the next; each hears so long, so all of the second hour is compared."""
MOST_ALONE = 0.05
"""Share of events that one kind of engine may hear alone."""


def main(models: list[str]) -> int:
    """Print what was found for every model; the last line sums it up."""
    names = models or kws.bundled_names()
    found = [measured(name) for name in names]
    alone = sum((comparison for _, comparison in found), Comparison(0, (), (), ()))
    print(
        f"Second hour within the first hour's 95 % interval: {sum(kept for kept, _ in found)} of "
        f"{len(found)} models. Heard alike by fresh engines after 10 s: {len(alone.shifts)} events; "
        f"by one kind alone: "
        f"{count_alone(alone)}."
    )
    return 0 if found and all(kept and mostly_alike(comparison) for kept, comparison in found) else 1


def measured(model: str) -> tuple[bool, Comparison]:
    """Whether one model hears the second hour like the first, and how it compares with fresh engines."""
    engine = kws.load(model, confirm="none")
    word = engine.wake_words[0].bundle.wake_word.lower()
    clips = dev_clips()
    words = [clip for clip in clips if is_word(clip, word)]
    stream, layouts = hours_of(words, speech_without(clips, word), word)
    events = detections(engine, stream.samples)
    first, second = (heard_in(events, layout) for layout in layouts)
    starts = np.arange(layouts[1].segments[0].start, len(stream.samples) / SAMPLE_RATE - 20, FRESH_EVERY)
    compared = compare_with_fresh(engine, stream.samples, events, _on_steps(engine, starts), FRESH_EVERY + 10)
    print(f"{engine.wake_words[0].bundle.name}: {len(words)} words an hour")
    for title, hour in (("first hour", first), ("second hour", second)):
        print(f"  {title}: {described(hour)}")
    print(f"  {compared.positions} fresh starts in the second hour: {agreement(compared)}")
    return first.holds(second), compared


def count_alone(compared: Comparison) -> int:
    """Events that one kind of engine heard and the other did not."""
    return len(compared.only_long) + len(compared.only_fresh)


def mostly_alike(compared: Comparison) -> bool:
    """Whether so few events differ as is allowed."""
    alone = count_alone(compared)
    return alone <= MOST_ALONE * (alone + len(compared.shifts))


def described(hour: Hour) -> str:
    """Counts and intervals of one hour."""
    low, high = hour.matched.misses.interval
    fewest, most = hour.false_alarms.interval
    missed = hour.matched.misses
    return (
        f"missed {missed.count} of {missed.total} ({100 * low:.1f} to {100 * high:.1f} %), "
        f"{hour.false_alarms.count} false alarms in {hour.hours:.2f} h ({fewest:.2f} to {most:.2f} per hour)"
    )


def agreement(compared: Comparison) -> str:
    """What both heard and what only one did."""
    exact = sum(shift == 0 for shift in compared.shifts)
    return (
        f"{len(compared.shifts)} events in both, {exact} of them to the sample "
        f"(largest shift {1000 * max(compared.shifts, default=0):.0f} ms), "
        f"{len(compared.only_long)} in the long-running engine alone, "
        f"{len(compared.only_fresh)} in fresh ones alone"
    )


def _on_steps(engine: kws.Engine, seconds: np.ndarray) -> list[int]:
    """Sample indices on whole model steps, so that both kinds of engine judge the same rows together."""
    wake_word = engine.wake_words[0]
    step = wake_word.step_end(1) - wake_word.step_end(0)
    return [round(second * SAMPLE_RATE) // step * step for second in seconds]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
