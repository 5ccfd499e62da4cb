"""Greedy error rates of a recognizer bundle, int8 as deployed, on all dev sets or on what is learnt from.

python -m training.recognizer.evaluate english [--learnt] [--lead 1] [--json]
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from kws.recognition.bundle import find_recognizer
from training.options import recognizer_cache_option


@click.command()
@click.argument("model")
@click.option("--most", type=click.IntRange(1), help="Utterances of each set at most, drawn evenly.")
@click.option("--lead", default=0.0, show_default=True, help="Seconds of near silence before each recording.")
@click.option("--learnt", is_flag=True, help="Recordings of the train split instead, of the same kinds.")
@recognizer_cache_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def evaluate(model: str, most: int | None, lead: float, learnt: bool, cache: Path, as_json: bool) -> None:
    """Read the dev recordings with MODEL, a bundled name or a path, and count the errors."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from training.recognizer.material import dev_sets, learnt_sets
    from training.recognizer.publish import measure_bundle

    bundle = find_recognizer(model)
    gathered = learnt_sets if learnt else dev_sets
    sets = gathered(cache, most=most, lead=lead, encoder=bundle.encoder)
    rates = {name: measure_bundle(bundle, takes) for name, takes in sets.items()}
    if as_json:
        click.echo(json.dumps({name: rate.as_dict() for name, rate in rates.items()}, indent=1))
    else:
        for name, rate in rates.items():
            click.echo(f"{name}: {rate}")


if __name__ == "__main__":
    evaluate()
