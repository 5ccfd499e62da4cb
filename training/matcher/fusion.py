"""What a matcher adds to the stages of words that `kws train` made from their spelling alone.

    python -m training.matcher.fusion BUNDLE [BUNDLE ...] [--matcher FILE]

All stages of a word decide together by the mean of their logits (kws/fusion.py). Each candidate in the dev
recordings gets the matcher's logit too, at several weights; for some numbers of false alarms of all words
together the table has what is missed at the lowest threshold, common to the words, that keeps to it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from kws.bundle import Bundle, find_bundle
from kws.cascade import default_second
from kws.confirmed import mean_score
from kws.errors import KwsError
from kws.evaluation import Proportion, Rate
from kws.look import RECENT_SECONDS
from kws.scoring import ScoreTrack
from kws.second_opinion import WAIT_SECONDS
from training.accuracy.dev_streams import CACHE, CLEAN, NOISY, SPEECH
from training.accuracy.looked import Candidate, Looked, looked, weight_of

WEIGHTS = (0.0, 0.1, 0.25, 0.5, 1.0)
"""Of the matcher, beside 1 for the word's own model; 0: without it."""
ALARMS = (7, 3, 1, 0)
"""False alarms of all words together."""
LEASTS = tuple(round(0.005 * step, 3) for step in range(1, 200))


@dataclass(frozen=True)
class Word:
    """What its stages say of every candidate, and what the matcher does."""

    name: str
    looks: Looked
    total: float
    """Weight of its stages together."""
    matched: Mapping[str, Sequence[float]]
    """What the matcher says of the candidates of each stream, from 0 to 1."""

    def with_matcher(self, weight: float) -> Looked:
        """The same candidates, judged by all of them."""
        found = {
            stream: [
                dataclasses.replace(one, score=mean_score((one.score, other), (self.total, weight)))
                for one, other in zip(candidates, self.matched[stream], strict=True)
            ]
            for stream, candidates in self.looks.candidates.items()
        }
        return dataclasses.replace(self.looks, candidates=found)


@dataclass(frozen=True)
class Outcome:
    """Of all words together at one threshold."""

    least: float
    clean: Proportion
    noisy: Proportion
    alarms: Rate

    def __str__(self) -> str:
        return f"{self.clean}; {self.noisy}; {self.alarms} ({self.least:g})"


def word_of(bundle: Bundle, tracks: Mapping[str, ScoreTrack], cache: Path) -> Word:
    """Hear the dev recordings by the stages of a bundle.

    Args:
        bundle: made by `kws train`.
        tracks: of the matcher, by stream.
        cache: where the streams' rows are kept.

    Raises:
        KwsError: it has one stage alone.
    """
    second = default_second(bundle)
    weight = weight_of(second) if second else None
    if second is None or weight is None:
        raise KwsError(f"{bundle.name}: no stages that decide together; make it anew with kws train")
    threshold = bundle.manifest["kws"]["confirmation"]["default"]["threshold"]
    (looks,) = looked(bundle, second, cache, [threshold])
    matched = {
        name: [heard_at(tracks[name], one) for one in found] for name, found in looks.candidates.items()
    }
    return Word(bundle.wake_word, looks, 1 + weight, matched)


def heard_at(track: ScoreTrack, candidate: Candidate) -> float:
    """The best of the matcher in the time in which a look counts, from 0 to 1, by its logit as it is."""
    from training.matcher.score import logit_of

    end = candidate.event.end
    first, stop = np.searchsorted(track.time, [end - RECENT_SECONDS, end + WAIT_SECONDS + 1e-6])
    best = float(logit_of(track.score[first:stop].max(initial=0)))
    return 1 / (1 + math.exp(-best))


def outcomes(words: Sequence[Word], weight: float) -> list[Outcome]:
    """At every one of LEASTS."""
    judged = [word.with_matcher(weight) for word in words]
    return [_outcome(judged, least) for least in LEASTS]


def _outcome(judged: Sequence[Looked], least: float) -> Outcome:
    clean, noisy = ([looks.matched(name, least).misses for looks in judged] for name in (CLEAN, NOISY))
    alarms = sum(len(looks.matched(SPEECH, least).false_alarms) for looks in judged)
    return Outcome(
        least, _sum(clean), _sum(noisy), Rate(alarms, sum(looks.layouts[SPEECH].hours for looks in judged))
    )


def _sum(parts: Sequence[Proportion]) -> Proportion:
    return Proportion(sum(part.count for part in parts), sum(part.total for part in parts))


def lowest(found: Sequence[Outcome], alarms: int) -> Outcome | None:
    """The lowest threshold that, like every higher one, has at most so many."""
    kept = None
    for one in sorted(found, key=lambda outcome: -outcome.least):
        if one.alarms.count > alarms:
            break
        kept = one
    return kept


def table(words: Sequence[Word]) -> Iterator[str]:
    """Lines of Markdown."""
    yield "| its weight | false alarms, at most | missed as recorded; at 10 dB; false alarms an hour |"
    yield "|---|---|---|"
    for weight in WEIGHTS:
        found = outcomes(words, weight)
        for alarms in ALARMS:
            yield f"| {weight:g} | {alarms} | {lowest(found, alarms) or 'none of the thresholds'} |"


@click.command()
@click.argument("bundles", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--matcher", type=click.Path(path_type=Path), help="By default the one that hears embeddings.")
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, show_default=True)
def main(bundles: tuple[Path, ...], matcher: Path | None, cache: Path) -> None:
    """Print what BUNDLES miss with the matcher's logit among the others, and without it."""
    from training.matcher.dev import scored
    from training.matcher.kept import matcher_file, read_matcher

    found = read_matcher(matcher or matcher_file(cache, "embedding")).matcher
    words = []
    for path in bundles:
        bundle = find_bundle(path)
        word = bundle.wake_word.lower()
        tracks = {name: scored(found, word, name, cache).track for name in (CLEAN, NOISY, SPEECH)}
        words.append(word_of(bundle, tracks, cache))
    click.echo(f"{', '.join(word.name for word in words)}: {found.config.hears}")
    for line in table(words):
        click.echo(line)


if __name__ == "__main__":
    main()
