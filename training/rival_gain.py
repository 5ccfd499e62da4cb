"""What a rival of ordinary words adds to the confidence of grammars (kws.recognition.rival).

python -m training.rival_gain english [--sentences 240]

The logistic curve is fitted twice on the same clips, with the rival's margin and without it; then each of the
two decides at thresholds that let equally much pass of what should, or of what should not.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from kws.evaluation.intervals import Proportion
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.confidence import Calibration, fit
from kws.recognition.priors import decoding_of
from kws.recognition.rival import rival_of
from kws.recognition.tokens import PHONES
from training.data.manifest import read_manifest, recordings_manifest
from training.decoding_fit import FITTED_ON, Judged, paths_of
from training.dev_speech import COMMANDS, FREE, Heard, dev_sets, drawn, hear, set_of

OTHER_WORDS, SILENCES = 6, 3
"""As many as may pass for a command."""
KEPT = (("digits", 0.97), ("coffee", 0.97), ("coffee", 0.99))
"""Grammar, and the share of its right sentences that pass."""

_TIMED = 60
"""Clips for its cost."""

Paths = Mapping[str, Sequence[Judged]]
"""By grammar."""


@dataclass(frozen=True)
class Row:
    """What a curve fitted without the rival achieves, and one fitted with it."""

    title: str
    without: Proportion
    beside: Proportion

    def __str__(self) -> str:
        """As in a table of Markdown."""
        return f"| {self.title} | {self.without} | {self.beside} |"


HEAD = "| | without | with |\n|---|---|---|"


def heard_by_grammars(bundle: RecognizerBundle, heard: Mapping[str, Sequence[Heard]]) -> Paths:
    """The best path of every clip by each grammar that hears it; free sentences by digits and orders."""
    step = AcousticModel(bundle, "phones").step_seconds
    priors, rival = decoding_of(bundle.card, PHONES).priors, rival_of(bundle, PHONES)
    found = {}
    for grammar, sets in FITTED_ON.items():
        more = () if grammar == "commands" else FREE
        clips = [one for name in dict.fromkeys((*sets, *more)) for one in heard[name]]
        found[grammar] = list(paths_of(grammar, clips, step, priors, rival))
    return found


def rows(paths: Paths, heard: Mapping[str, Sequence[Heard]]) -> Iterator[Row]:
    """The table."""
    curves = [_curve(_without_rival(paths)), _curve(paths)]
    said = len(heard["commands"])
    title = f"command words right, where at most {OTHER_WORDS} other words and {SILENCES} silences pass"
    yield Row(title, *(Proportion(_commands_right(curve, paths["commands"]), said) for curve in curves))
    free = sum(len(heard[name]) for name in FREE)
    for grammar, share in KEPT:
        title = f"free sentences taken for {grammar}, where {100 * share:.0f} % of the right ones pass"
        yield Row(title, *(Proportion(_taken(curve, paths[grammar], share), free) for curve in curves))


def _without_rival(paths: Paths) -> Paths:
    """The fit gives a feature that is always 0 no weight."""
    return {
        grammar: [replace(path, features=(*path.features[:3], 0.0)) for path in found]
        for grammar, found in paths.items()
    }


def _curve(paths: Paths) -> Calibration:
    every = [path for found in paths.values() for path in found]
    return fit([path.features for path in every], [path.right for path in every])


def _commands_right(curve: Calibration, paths: Sequence[Judged]) -> int:
    """At the lowest threshold that keeps to OTHER_WORDS and SILENCES."""
    words = [path for path in paths if path.clip.kind != "noise" and path.clip.label not in COMMANDS]
    silences = [path for path in paths if path.clip.kind == "noise"]
    above = max(_passed_by(curve, words, OTHER_WORDS), _passed_by(curve, silences, SILENCES))
    return sum(path.right and curve.of_features(path.features) > above for path in paths)


def _passed_by(curve: Calibration, paths: Sequence[Judged], most: int) -> float:
    """The confidence that at most so many exceed."""
    confidences = sorted((curve.of_features(path.features) for path in paths), reverse=True)
    return confidences[most] if len(confidences) > most else -math.inf


def _taken(curve: Calibration, paths: Sequence[Judged], share: float) -> int:
    """Free sentences that pass, and were not said so, where such a share of what is right passes."""
    right = sorted(curve.of_features(path.features) for path in paths if path.right and not _is_free(path))
    threshold = right[len(right) - math.ceil(share * len(right))] if right else math.inf
    wrong = [path for path in paths if _is_free(path) and not path.right]
    return sum(curve.of_features(path.features) >= threshold for path in wrong)


def _is_free(path: Judged) -> bool:
    return set_of(path.clip) in FREE


def cost(bundle: RecognizerBundle, heard: Sequence[Heard]) -> float:
    """CPU seconds of the rival's beam a second of audio."""
    priors, rival = decoding_of(bundle.card, PHONES).priors, rival_of(bundle, PHONES)
    assert rival is not None
    scaled = [priors.scaled(sound) for _, sound in heard]
    began = time.process_time()
    for log_probs in scaled:
        rival.reset()
        rival.push(log_probs)
    seconds = AcousticModel(bundle, "phones").step_seconds * sum(map(len, scaled))
    return (time.process_time() - began) / max(seconds, 1e-9)


@click.command()
@click.argument("model")
@click.option("--most", type=click.IntRange(1), help="Clips of each set at most, drawn evenly.")
@click.option("--sentences", default=240, show_default=True, help="Of each set of free sentences.")
@click.option(
    "--cache", type=click.Path(path_type=Path), default=Path(".cache/recognizer"), show_default=True
)
def main(model: str, most: int | None, sentences: int, cache: Path) -> None:
    """Print what the rival gains."""
    bundle = find_recognizer(model)
    heard = {
        name: drawn(hear(bundle, clips, cache / f"heard-{name}.npz"), sentences if name in FREE else most)
        for name, clips in dev_sets(read_manifest(recordings_manifest())).items()
    }
    click.echo(HEAD)
    for row in rows(heard_by_grammars(bundle, heard), heard):
        click.echo(row)
    free = drawn(heard[FREE[0]], _TIMED)
    click.echo(f"the rival's beam, on {len(free)} free sentences: {cost(bundle, free):.4f} CPU s a second")


if __name__ == "__main__":
    main()
