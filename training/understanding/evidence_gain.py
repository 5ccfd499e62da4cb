"""What a rival of ordinary words and letters beside phones add to the confidence of grammars.

python -m training.understanding.evidence_gain english [--sentences 240]

The logistic curve (kws.recognition.confidence) is fitted without the two, with each of them and with both,
each time as often as there are groups of speakers: what one group says is judged by the curve that the others
have given. Then each decides at thresholds that let equally much pass of what should, or of what should not.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from kws.evaluation.intervals import Proportion
from kws.recognition.acoustic import AcousticModel
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.confidence import Evidence, Features, fit
from kws.recognition.letters import beside, letters_of
from kws.recognition.priors import decoding_of
from kws.recognition.rival import rival_of
from kws.recognition.tokens import PHONES
from training.data.manifest import read_manifest, recordings_manifest
from training.options import recognizer_cache_option
from training.understanding.decoding_fit import FITTED_ON, Judged, paths_of
from training.understanding.dev_speech import COMMANDS, FREE, Heard, dev_sets, drawn, hear, set_of

OTHER_WORDS, SILENCES = 6, 3
"""As many as may pass for a command."""
KEPT = (("digits", 0.95), ("digits", 0.97), ("coffee", 0.95), ("coffee", 0.97), ("coffee", 0.99))
"""Grammar, and the share of its right sentences that pass."""
GROUPS = 10
"""Of speakers."""
KINDS: dict[str, Evidence] = {
    "neither": Evidence(0, 0),
    "rival": Evidence(1, 0),
    "letters": Evidence(0, 1),
    "both": Evidence(1, 1),
}
"""What a curve is fitted with."""

_TIMED = 60
"""Clips for the cost."""

Paths = Mapping[str, Sequence[Judged]]
"""By grammar."""


@dataclass(frozen=True)
class Scored:
    """A path, and what a curve that knows nothing of its speaker makes of it."""

    path: Judged
    confidence: float


@dataclass(frozen=True)
class Row:
    """What each of the curves achieves."""

    title: str
    found: tuple[Proportion, ...]

    def __str__(self) -> str:
        """As in a table of Markdown."""
        return f"| {' | '.join([self.title, *map(str, self.found)])} |"


HEAD = f"| | {' | '.join(KINDS)} |\n|{'---|' * (1 + len(KINDS))}"


def heard_by_grammars(bundle: RecognizerBundle, heard: Mapping[str, Sequence[Heard]]) -> Paths:
    """The best path of every clip by each grammar that hears it; free sentences by digits and orders."""
    step = AcousticModel(bundle, "phones").step_seconds
    priors, rival = decoding_of(bundle.card, PHONES).priors, rival_of(bundle, PHONES)
    letters = letters_of(bundle)
    found = {}
    for grammar, sets in FITTED_ON.items():
        more = () if grammar == "commands" else FREE
        clips = [one for name in dict.fromkeys((*sets, *more)) for one in heard[name]]
        found[grammar] = list(paths_of(grammar, clips, step, priors, rival, letters))
    return found


def rows(paths: Paths, heard: Mapping[str, Sequence[Heard]]) -> Iterator[Row]:
    """The table."""
    judged = [judged_by_others(paths, kind) for kind in KINDS.values()]
    said = len(heard["commands"])
    title = f"command words right, where at most {OTHER_WORDS} other words and {SILENCES} silences pass"
    yield Row(title, tuple(Proportion(_commands_right(found["commands"]), said) for found in judged))
    free = sum(len(heard[name]) for name in FREE)
    for grammar, share in KEPT:
        title = f"free sentences taken for {grammar}, where {100 * share:.0f} % of the right ones pass"
        yield Row(title, tuple(Proportion(_taken(found[grammar], share), free) for found in judged))


def judged_by_others(paths: Paths, kind: Evidence) -> dict[str, list[Scored]]:
    """The confidence of every path by a curve with such evidence, fitted on the other groups of speakers."""
    every = [path for found in paths.values() for path in found]
    curves = [
        fit(
            [_with(kind, path.features) for path in every if _group(path) != group],
            [path.right for path in every if _group(path) != group],
        )
        for group in range(GROUPS)
    ]
    return {
        grammar: [
            Scored(path, curves[_group(path)].of_features(_with(kind, path.features))) for path in found
        ]
        for grammar, found in paths.items()
    }


def _with(kind: Evidence, features: Features) -> Features:
    """The fit gives a feature that is always 0 no weight."""
    mean, worst, length, rival, letters = features
    return mean, worst, length, kind.rival * rival, kind.letters * letters


def _group(path: Judged) -> int:
    """Of its speaker; a clip of nobody's is its own."""
    clip = path.clip
    return zlib.crc32(f"{clip.corpus}/{clip.speaker or clip.path.name}".encode()) % GROUPS


def _commands_right(found: Sequence[Scored]) -> int:
    """At the lowest threshold that keeps to OTHER_WORDS and SILENCES."""
    words = [one for one in found if one.path.clip.kind != "noise" and one.path.clip.label not in COMMANDS]
    silences = [one for one in found if one.path.clip.kind == "noise"]
    above = max(_passed_by(words, OTHER_WORDS), _passed_by(silences, SILENCES))
    return sum(one.path.right and one.confidence > above for one in found)


def _passed_by(found: Sequence[Scored], most: int) -> float:
    """The confidence that at most so many exceed."""
    confidences = sorted((one.confidence for one in found), reverse=True)
    return confidences[most] if len(confidences) > most else -math.inf


def _taken(found: Sequence[Scored], share: float) -> int:
    """Free sentences that pass, and were not said so, where such a share of what is right passes."""
    right = sorted(one.confidence for one in found if one.path.right and not _is_free(one.path))
    threshold = right[len(right) - math.ceil(share * len(right))] if right else math.inf
    wrong = [one for one in found if _is_free(one.path) and not one.path.right]
    return sum(one.confidence >= threshold for one in wrong)


def _is_free(path: Judged) -> bool:
    return set_of(path.clip) in FREE


def cost(bundle: RecognizerBundle, heard: Sequence[Heard]) -> float:
    """CPU seconds of the rival's beam a second of audio."""
    priors, rival = decoding_of(bundle.card, PHONES).priors, rival_of(bundle, PHONES)
    assert rival is not None
    scaled = [priors.scaled(sound[:, : len(PHONES)]) for _, sound in heard]
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
@recognizer_cache_option
def main(model: str, most: int | None, sentences: int, cache: Path) -> None:
    """Print what the two gain."""
    bundle = find_recognizer(model)
    letters = beside(bundle, "phones")
    heard = {
        name: drawn(
            hear(bundle, clips, cache / f"heard-{name}.npz", letters), sentences if name in FREE else most
        )
        for name, clips in dev_sets(read_manifest(recordings_manifest())).items()
    }
    click.echo(HEAD)
    for row in rows(heard_by_grammars(bundle, heard), heard):
        click.echo(row)
    free = drawn(heard[FREE[0]], _TIMED)
    click.echo(f"the rival's beam, on {len(free)} free sentences: {cost(bundle, free):.4f} CPU s a second")


if __name__ == "__main__":
    main()
