"""Choose the thresholds of both stages by some speakers, and judge the choice by the others.

python -m training.second_stage_choice [MODEL ...] [--confirm english]

The speakers of the dev recordings are dealt into two halves, those of the word by how often they say it. The
pair of thresholds that `python -m training.second_stage --fill` would choose on one half is judged on the
other, and the other way round; so every word and every hour is judged by a choice in which it had no say.
Without MODEL: the bundled words as they run by default.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from kws.bundle import Bundle, bundled_names, find_bundle
from kws.cascade import find_second, stages_of
from kws.confirmation_table import ConfirmationPoint, Second
from kws.errors import KwsError
from kws.evaluation import Proportion, Rate
from kws.evaluation.streams import Segment
from training.accuracy.dev_recordings import dev_clips
from training.accuracy.dev_streams import CACHE, CLEAN, NOISY, SPEECH
from training.accuracy.looked import Looked, looked
from training.second_stage import default_pair, leasts_of, proposing_thresholds

HALVES = (0, 1)


@dataclass(frozen=True)
class Half:
    """Which segments of each stream are this half's."""

    segments: Mapping[str, frozenset[str]]
    """Stream -> names of files."""

    def point(self, looks: Looked, least: float) -> ConfirmationPoint:
        """What a pair of thresholds has missed and let through of it."""
        clean, noisy = (self._misses(looks, name, least) for name in (CLEAN, NOISY))
        return ConfirmationPoint(looks.threshold, least, clean, noisy, self._alarms(looks, least))

    def _misses(self, looks: Looked, name: str, least: float) -> Proportion:
        words = [segment for segment in looks.layouts[name].segments if segment.word]
        heard = looks.matched(name, least).heard
        ours = [there for there, one in zip(heard, words, strict=True) if one.path in self.segments[name]]
        return Proportion(len(ours) - sum(ours), len(ours))

    def _alarms(self, looks: Looked, least: float) -> Rate:
        ours = [one for one in looks.layouts[SPEECH].segments if one.path in self.segments[SPEECH]]
        times = looks.matched(SPEECH, least).false_alarms
        # In the gap after a clip its end is what was heard.
        starts = sorted((one.start, one.path) for one in looks.layouts[SPEECH].segments)
        heard = [max(start for start in starts if start[0] <= time)[1] for time in times]
        seconds = sum(one.end - one.start for one in ours)
        return Rate(sum(path in self.segments[SPEECH] for path in heard), seconds / 3600)


def halves(looks: Looked) -> tuple[Half, Half]:
    """All speakers of each stream dealt into two, the most talkative first."""
    speaker = {clip.path.name: f"{clip.corpus}/{clip.speaker}" for clip in dev_clips()}
    dealt = {name: _dealt(layout.segments, speaker) for name, layout in looks.layouts.items()}
    first, second = (Half({name: parts[half] for name, parts in dealt.items()}) for half in HALVES)
    return first, second


def _dealt(segments: Sequence[Segment], speaker: Mapping[str, str]) -> list[frozenset[str]]:
    """Each speaker to the half that has less so far."""
    seconds: Counter[str] = Counter()
    for segment in segments:
        seconds[speaker[segment.path]] += segment.end - segment.start  # type: ignore[assignment]
    parts: list[set[str]] = [set(), set()]
    totals = [0.0, 0.0]
    for one, length in seconds.most_common():
        half = totals.index(min(totals))
        parts[half].add(one)
        totals[half] += length
    return [frozenset(s.path for s in segments if speaker[s.path] in part) for part in parts]


def judged(bundle: Bundle, second: Second, cache: Path) -> Iterator[ConfirmationPoint]:
    """Each half by the pair that the other half chooses; raises KwsError where none keeps to the rate."""
    looks = looked(bundle, second, cache, proposing_thresholds(bundle))
    parts = halves(looks[0])
    for half in HALVES:
        found = [parts[1 - half].point(one, least) for one in looks for least in leasts_of(second)]
        chosen = default_pair(found)
        if chosen is None:
            raise KwsError(f"{bundle.name}: no pair of thresholds keeps to the rate on half of the speakers")
        (look,) = [one for one in looks if one.threshold == chosen.threshold]
        yield parts[half].point(look, chosen.least)


def together(points: Sequence[ConfirmationPoint]) -> str:
    """Their sums, and the thresholds of each."""
    clean, noisy = (
        Proportion(sum(one.count for one in parts), sum(one.total for one in parts))
        for parts in ([p.misses for p in points], [p.noisy_misses for p in points])
    )
    alarms = [point.false_alarms for point in points]
    rate = Rate(sum(one.count for one in alarms), sum(one.hours for one in alarms))
    pairs = " and ".join(f"({point.threshold:g}, {point.least:g})" for point in points)
    return f"{clean}; {noisy}; {rate} {pairs}"


@click.command()
@click.argument("models", nargs=-1)
@click.option("--confirm", help="A recognizer, or another model; without it as by default.")
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, show_default=True)
def main(models: tuple[str, ...], confirm: str | None, cache: Path) -> None:
    """Missed as recorded, missed at 10 dB, false alarms an hour, of MODELS."""
    for name in models or bundled_names():
        bundle = find_bundle(name)
        bundle, second = (bundle, find_second(confirm)) if confirm else stages_of(bundle)
        if second is None:
            raise KwsError(f"{name}: has no second stage; name one with --confirm")
        click.echo(f"{name}, confirmed by {second.name}: {together(list(judged(bundle, second, cache)))}")


if __name__ == "__main__":
    main()
