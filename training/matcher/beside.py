"""A matcher beside the spotter of spellings: what both find of a word together, with nothing trained for it.

    python -m training.matcher.beside [WORD ...] [--matcher FILE]

The mean of both logits decides. For several weights of the matcher it prints what is missed of all words at
the threshold of each that keeps to a rate of false alarms; 0 is the spotter by itself, "alone" the matcher.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from kws.bundle import bundled_names
from kws.evaluation import Proportion, Rate
from kws.recognition.spelling import phrase_spellings
from kws.recognition.spotter import Spotter
from kws.recognition.tokens import PHONES
from kws.scoring import ScoreTrack
from training.accuracy.dev_streams import CACHE, CLEAN, NOISY, SPEECH
from training.accuracy.measure import Scored
from training.ladder.climb import PER_HOUR, Climbed
from training.ladder.spelled import counted

WEIGHTS = (0.0, 0.25, 0.5, 1.0, 2.0, math.inf)
"""Of the matcher beside 1 for the spotter."""
HELD_SECONDS = 0.48
"""So long the spotter's best score counts: it may be sure of a word a little before the matcher is."""
_MOST = math.log(511)
"""Of a logit, as kws.confirmed has it."""

Tracks = Mapping[str, tuple[Scored, Scored]]
"""Stream -> what the matcher and what the spotter says of it."""


def both(matched: ScoreTrack, spelled: ScoreTrack, weight: float) -> ScoreTrack:
    """The mean of their logits at every step of the matcher; with a weight of 0 the spotter's own steps."""
    from training.matcher.score import logit_of, score_of

    if weight == 0:
        return spelled
    if math.isinf(weight):
        return matched
    held = round(HELD_SECONDS / (spelled.time[1] - spelled.time[0]))
    best = sliding_window_view(np.pad(spelled.score, (held, 0)), held).max(axis=1)
    last = best[np.searchsorted(spelled.time, matched.time, side="right")].astype(np.float64)
    inside = np.clip(last, 1 / 512, 511 / 512)
    own = np.log(inside / (1 - inside))
    other = np.clip(logit_of(matched.score), -_MOST, _MOST)
    return ScoreTrack(matched.time, score_of(((own + weight * other) / (1 + weight)).astype(np.float32)))


def spelled(word: str, heard: Scored, stream: str, cache: Path) -> Scored:
    """The spotter's scores of the stream that the matcher has heard."""
    from training.matcher.dev import STEP_SECONDS, recognizer_steps

    steps = recognizer_steps(heard.layout, word, stream, cache)
    spotter = Spotter({word: phrase_spellings(word, PHONES)}, STEP_SECONDS)
    score = spotter.scores(steps)[:, 0].astype(np.float32)
    return Scored(ScoreTrack((1 + np.arange(len(score))) * STEP_SECONDS, score), heard.layout)


def found(word: str, tracks: Tracks, weight: float) -> Climbed:
    """Misses and false alarms of one word."""
    heard = {
        name: Scored(both(matched.track, spotted.track, weight), matched.layout)
        for name, (matched, spotted) in tracks.items()
    }
    return counted(word, "beside", heard, 0, (0.0, 0.0), "")


def table(words: Mapping[str, Tracks]) -> Iterator[str]:
    """Lines of Markdown: all words together, then how many of each are missed."""
    conditions = [f"{name} at {rate}/h" for rate in PER_HOUR for name in (CLEAN, NOISY, "false alarms")]
    yield f"| weight of the matcher | {' | '.join(conditions)} | of {', '.join(words)} |"
    yield f"|{'---|' * (len(conditions) + 2)}"
    for weight in WEIGHTS:
        counts = [found(word, tracks, weight) for word, tracks in words.items()]
        cells = [cell for rate in PER_HOUR for cell in _cells(counts, rate)]
        each = "; ".join(
            f"{one.misses[rate][CLEAN]} and {one.misses[rate][NOISY]}"
            for rate in PER_HOUR[:1]
            for one in counts
        )
        yield f"| {'alone' if math.isinf(weight) else f'{weight:g}'} | {' | '.join(cells)} | {each} |"


def _cells(counts: Sequence[Climbed], rate: str) -> Iterator[str]:
    total = sum(one.words for one in counts)
    for condition in (CLEAN, NOISY):
        yield str(Proportion(sum(one.misses[rate][condition] for one in counts), total))
    yield str(Rate(sum(one.false_alarms[rate] for one in counts), sum(one.hours for one in counts)))


@click.command()
@click.argument("words", nargs=-1)
@click.option("--matcher", type=click.Path(path_type=Path), help="By default the one that hears embeddings.")
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, show_default=True)
def main(words: tuple[str, ...], matcher: Path | None, cache: Path) -> None:
    """Print what both find of WORDS, by default those that are bundled."""
    from training.matcher.dev import scored
    from training.matcher.kept import matcher_file, read_matcher

    kept = read_matcher(matcher or matcher_file(cache, "embedding")).matcher
    heard: dict[str, Tracks] = {}
    for word in words or bundled_names():
        matched = {name: scored(kept, word, name, cache) for name in (CLEAN, NOISY, SPEECH)}
        heard[word] = {name: (one, spelled(word, one, name, cache)) for name, one in matched.items()}
    for line in table(heard):
        click.echo(line)


if __name__ == "__main__":
    main()
