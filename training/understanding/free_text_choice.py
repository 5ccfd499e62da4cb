"""Choose how free text is searched by some speakers, and judge the choice by the others.

python -m training.understanding.free_text_choice english [--sentences 150] [--most-cost 0.05]

Every one of GRID is tried on both sets of free sentences. Of those that cost no more than is allowed, the one
with the fewest word errors on every other speaker (the mean of both sets' rates) is judged on the speakers
between, and the other way round; so every speaker is judged by a choice in which he had no say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from kws.evaluation.transcripts import WordErrors
from kws.recognition.bundle import RecognizerBundle, find_recognizer
from kws.recognition.free_text import BY_PHONES, FreeTextConfig
from kws.recognition.text_scorer import Fusion
from training.data.manifest import read_manifest, recordings_manifest
from training.options import recognizer_cache_option
from training.understanding.dev_speech import FREE, Heard, dev_sets, drawn, hear
from training.understanding.free_text_sweep import EVERY_WORD, HEAD, Row, swept

BEFORE = BY_PHONES
"""What the choice is compared with: how free text is searched today."""


def _with(weight: float, word: float, priors: float, **beam: float) -> FreeTextConfig:
    changed = replace(BEFORE.beam, **beam)  # type: ignore[arg-type]
    return FreeTextConfig(Fusion(weight, word), priors, changed)


_TODAY = (BEFORE.fusion.weight, BEFORE.fusion.insertion, BEFORE.prior_weight)

GRID: tuple[tuple[int, FreeTextConfig], ...] = (
    (EVERY_WORD, BEFORE),
    (40_000, BEFORE),
    *((EVERY_WORD, _with(*_TODAY, beam=beam)) for beam in (64, 128)),
    (EVERY_WORD, _with(*_TODAY, slack=6.0)),
    *(
        (EVERY_WORD, _with(weight, word, priors))
        for weight, word, priors in (
            (0.7, -0.5, 0.4),
            (0.7, -0.5, 0.6),
            (0.8, 0.0, 0.4),
            (0.8, -0.5, 0.5),
            (0.8, -0.5, 0.6),
            (0.9, 0.0, 0.5),
            (0.9, -1.0, 0.6),
            (1.0, -0.5, 0.6),
            (1.0, -0.5, 0.8),
        )
    ),
)
"""Words of the trigram, and how it is searched; the first is what the choice is compared with."""


@dataclass(frozen=True)
class Trial:
    """One of GRID on each of FREE."""

    rows: tuple[Row, ...]

    @property
    def cost(self) -> float:
        """CPU seconds of the beam a second of audio, where it costs more."""
        return max(row.cost for row in self.rows)

    def rate(self, half: int) -> float:
        """Mean word error rate of the sets on every other speaker, from the first (0) or the second (1)."""
        return sum(halved(row.errors, half).value for row in self.rows) / len(self.rows)


def halved(errors: WordErrors, half: int) -> WordErrors:
    """Of every other speaker."""
    return WordErrors(errors.groups, errors.errors[half::2], errors.words[half::2])


def best(trials: Sequence[Trial], half: int, most_cost: float) -> Trial:
    """By half of the speakers, among those that are cheap enough."""
    return min((trial for trial in trials if trial.cost <= most_cost), key=lambda trial: trial.rate(half))


def tried(
    bundle: RecognizerBundle,
    heard: Sequence[Sequence[Heard]],
    grid: Sequence[tuple[int, FreeTextConfig]] = GRID,
) -> Iterator[Trial]:
    """Each of the grid on each of the sets."""
    for rows in zip(*(swept(bundle, some, grid) for some in heard), strict=True):
        yield Trial(rows)


def verdict(trials: Sequence[Trial], most_cost: float) -> str:
    """For each half and set: what the other half has chosen, against the first of the trials."""
    lines = ["| judged on | chosen by the other half | before | chosen |", "|---|---|---|---|"]
    for half, title in enumerate(("every other speaker", "those between")):
        chosen = best(trials, 1 - half, most_cost)
        for number, name in enumerate(FREE[: len(chosen.rows)]):
            errors = [halved(trial.rows[number].errors, half) for trial in (trials[0], chosen)]
            lines.append(f"| {name}, {title} | {_named(chosen)} | {errors[0]} | {errors[1]} |")
    return "\n".join(lines)


def _named(trial: Trial) -> str:
    row = trial.rows[0]
    beam, fusion = row.config.beam, row.config.fusion
    merged = ", merged" if beam.merge else ""
    return (
        f"{row.words} words, beam {beam.beam}{merged}, {beam.least:g} and {beam.slack:g}, "
        f"weight {fusion.weight:g}, word {fusion.insertion:g}, priors {row.config.prior_weight:g}"
    )


@click.command()
@click.argument("model")
@click.option("--sentences", default=150, show_default=True, help="Of each set, drawn evenly.")
@click.option("--most-cost", default=0.05, show_default=True, help="CPU seconds a second of audio.")
@recognizer_cache_option
def main(model: str, sentences: int, most_cost: float, cache: Path) -> None:
    """Print a row for each setting and set, and what the halves choose for each other."""
    bundle = find_recognizer(model)
    sets = dev_sets(read_manifest(recordings_manifest()))
    heard = [drawn(hear(bundle, sets[name], cache / f"heard-{name}.npz"), sentences) for name in FREE]
    heading, line = HEAD.splitlines()
    click.echo(f"| set {heading}\n|---{line}")
    trials = []
    for trial in tried(bundle, heard):
        trials.append(trial)
        for name, row in zip(FREE, trial.rows, strict=True):
            click.echo(f"| {name} {row}")
    click.echo(f"\n{verdict(trials, most_cost)}")


if __name__ == "__main__":
    main()
