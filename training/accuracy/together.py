"""What several models of one word miss, each alone and all together by the mean of their logits.

python -m training.accuracy.together BUNDLE BUNDLE [...]

On the dev recordings, as rows of a table in Markdown: of those in the order given, every pair, and all. What
several know together one of them has not learned yet (docs/experiments/teachers.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import click
import numpy as np
import numpy.typing as npt

from kws.bundle import Bundle, find_bundle
from kws.engine import WakeWord
from kws.errors import KwsError
from kws.evaluation import Det, Proportion, best_scores, det_curve, misses, operating_point
from kws.scoring import ScoreTrack
from kws.types import Outputs
from training.accuracy.dev_streams import AMID, CLEAN, NOISY, SPEECH, dev_stream
from training.accuracy.measure import RATES
from training.evaluate import track_of
from training.learning.smoothing import smoothed

CONDITIONS = (CLEAN, AMID, NOISY)
_MAX_PER_HOUR = 20.0
_LEVELS = 256
"""Of a uint8 output."""

Heard = Mapping[str, Outputs]
"""Stream -> outputs of a model, uint8, shape (steps, 1)."""


def mean_of(outputs: Sequence[Outputs]) -> npt.NDArray[np.float32]:
    """The scores of several models of the same stride, shape (steps,), 0 to 1: by their mean logit."""
    shares = (np.stack(outputs).astype(np.float64) + 0.5) / _LEVELS  # as sure as the middle of a step
    logits = np.mean(np.log(shares / (1 - shares)), axis=0)[:, 0]
    together: npt.NDArray[np.float32] = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return together


def rows_of(bundles: Sequence[Bundle]) -> Iterator[str]:
    """The table; KwsError where they are of several words, strides, or detectors."""
    first = bundles[0]
    if len({(b.wake_word.lower(), b.open_model().stride, b.window) for b in bundles}) > 1:
        raise KwsError("give models of one word that take as many rows a step and average as many scores")
    heard = [{name: _outputs(bundle, name) for name in (*CONDITIONS, SPEECH)} for bundle in bundles]
    rates = " | ".join(f"at most {rate:g} an hour: {', '.join(CONDITIONS)}" for rate in RATES)
    yield f"| models | {rates} |"
    yield "|---" * (1 + len(RATES)) + "|"
    groups = [*((n,) for n in range(len(bundles))), *combinations(range(len(bundles)), 2)]
    for group in [*groups, tuple(range(len(bundles)))] if len(bundles) > 2 else groups:
        cells = _cells(first, [heard[n] for n in group])
        yield f"| {' and '.join(str(n + 1) for n in group)} | {' | '.join(cells)} |"


def _cells(bundle: Bundle, heard: Sequence[Heard]) -> Iterator[str]:
    """Misses at each rate, the threshold of which is chosen on the same streams."""
    word, tracks = bundle.wake_word.lower(), {}
    for name, outputs in heard[0].items():
        score = smoothed(mean_of([one[name] for one in heard]), bundle.window).astype(np.float32)
        tracks[name] = ScoreTrack(track_of(WakeWord(bundle), outputs).time, score)
    best = {name: _best(tracks[name], word, name) for name in CONDITIONS}
    speech = dev_stream(word, SPEECH).layout
    curve: Det = det_curve(best[CLEAN], tracks[SPEECH], speech.hours, max_per_hour=_MAX_PER_HOUR)
    for rate in RATES:
        threshold = operating_point(curve, rate).threshold
        counts: list[Proportion] = [misses(best[name], threshold) for name in CONDITIONS]
        yield "; ".join(map(str, counts))


def _best(track: ScoreTrack, word: str, name: str) -> npt.NDArray[np.float32]:
    return best_scores(track, dev_stream(word, name).layout.occurrences)


def _outputs(bundle: Bundle, name: str) -> Outputs:
    return bundle.open_model().push(dev_stream(bundle.wake_word.lower(), name).rows)


@click.command()
@click.argument("models", nargs=-1, required=True)
def main(models: tuple[str, ...]) -> None:
    """Measure MODELS, bundled names or paths, alone and together."""
    try:
        for row in rows_of([find_bundle(model) for model in models]):
            click.echo(row)
    except KwsError as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    main()
