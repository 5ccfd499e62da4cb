"""Greedy errors of a recognizer bundle, int8 as deployed, on all dev sets or on what is learnt from.

python -m training.recognizer.evaluate english [--beside OTHER] [--learnt] [--most 120] [--lead 1]

Each rate has a 95 % interval, by drawing speakers anew; beside another recognizer, so has the difference.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kws.evaluation.transcripts import WordErrors, grouped_errors
from kws.recognition.bundle import find_recognizer
from training.options import recognizer_cache_option

if TYPE_CHECKING:
    from kws.recognition.bundle import RecognizerBundle
    from training.recognizer.takes import Takes


@click.command()
@click.argument("model")
@click.option("--beside", help="Another recognizer, bundled name or path, that MODEL is compared with.")
@click.option("--most", type=click.IntRange(1), help="Utterances of each set at most, drawn evenly.")
@click.option("--lead", default=0.0, show_default=True, help="Seconds of near silence before each recording.")
@click.option("--learnt", is_flag=True, help="Recordings of the train split instead, of the same kinds.")
@recognizer_cache_option
def evaluate(
    model: str, beside: str | None, most: int | None, lead: float, learnt: bool, cache: Path
) -> None:
    """Read the dev recordings with MODEL, a bundled name or a path, and count the errors."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from training.recognizer.material import dev_sets, dev_speakers, learnt_sets, learnt_speakers

    gathered, said_by = (learnt_sets, learnt_speakers) if learnt else (dev_sets, dev_speakers)
    speakers = said_by(most)
    counted = []
    for name in (model, *([beside] if beside else [])):
        bundle = find_recognizer(name)
        sets = gathered(cache, most=most, lead=lead, encoder=bundle.encoder)
        counted.append({key: bundle_errors(bundle, takes, speakers[key]) for key, takes in sets.items()})
    click.echo(table(counted[0], *counted[1:]))


def bundle_errors(bundle: RecognizerBundle, takes: Takes, speakers: Sequence[str]) -> dict[str, WordErrors]:
    """Phones, characters and words that the int8 model reads wrong, greedily."""
    from training.recognizer.publish import bundle_readings

    read = bundle_readings(bundle, takes)
    pairs = {
        "phones": (takes.phones, read["phones"]),
        "characters": ([_spaced(text) for text in takes.texts], [_spaced(t) for t in read["characters"]]),
        "words": (takes.texts, read["characters"]),
    }
    return {kind: grouped_errors("speakers", speakers, said, wrote) for kind, (said, wrote) in pairs.items()}


def table(
    found: Mapping[str, Mapping[str, WordErrors]],
    beside: Mapping[str, Mapping[str, WordErrors]] | None = None,
) -> str:
    """Percent wrong of each set and, beside another recognizer, how many fewer than its, as Markdown."""
    kinds = list(next(iter(found.values()), {}))
    head = ["set", "speakers", *kinds, *(f"{kind}, fewer" for kind in kinds if beside)]
    rows = []
    for name, errors in found.items():
        cells = [name, str(len(next(iter(errors.values())).words)), *(one.percent for one in errors.values())]
        if beside:
            cells += [errors[kind].fewer_than(beside[name][kind]).percent for kind in kinds]
        rows.append(cells)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _spaced(text: str) -> str:
    """Its characters as words, spaces too."""
    return " ".join(text.replace(" ", "_"))


if __name__ == "__main__":
    evaluate()
