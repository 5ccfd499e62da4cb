"""`kws bench`: what it costs here."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kws.commands.options import engine_option, load_engine
from kws.commands.table import print_table
from kws.errors import KwsError

if TYPE_CHECKING:
    from kws.bench import Cost, Latency
    from kws.bench.process import Spread


@click.command()
@click.argument("clips", nargs=-1, metavar="[CLIPS]...")
@click.option(
    "--model", "-m", "models", multiple=True, help="Models to measure, instead of all bundled ones."
)
@click.option(
    "--runs", type=click.IntRange(1), default=6, show_default=True, help="Fresh processes a figure."
)
@click.option(
    "--seconds", type=click.FloatRange(1), default=60.0, show_default=True, help="Audio heard in each."
)
@engine_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
def bench(clips: tuple[str, ...], models: tuple[str, ...], runs: int, seconds: float, as_json: bool) -> None:
    """Measure what kws costs on this machine.

    CPU time, start-up and memory of fresh processes, beside pymicro-wakeword if that is installed, and the
    latency from word end to event.

    Without CLIPS the selftest's recordings are heard. A clip CLIP.wav needs CLIP.words.jsonl beside it, for
    each wake word in it one line {"name": ..., "start": ..., "end": ...}, in seconds.
    """
    from kws.bench import latency, measure
    from kws.bundle import bundled_names
    from kws.selftest import Recording, bundled_recordings

    names = models or tuple(bundled_names())
    if not names:
        raise KwsError("bench: no model is bundled; name one with --model")
    recordings = [Recording(Path(clip)) for clip in clips] or bundled_recordings()
    delays = latency(recordings, load_engine(names))
    costs = measure(names, runs=runs, seconds=seconds, recordings=recordings)
    if as_json:
        click.echo(json.dumps(_as_json(costs, delays), indent=1))
    else:
        _print(costs, delays)


_COLUMNS = {"cpu": ("CPU s per audio s", 5), "startup": ("start-up s", 2), "peak_mb": ("peak MB", 0)}
"""Field of a run -> heading and decimals."""


def _text(spread: Spread, digits: int) -> str:
    """As in "0.00113 (0.00108 to 0.00125)"."""
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f} to {spread.high:.{digits}f})"


def _as_json(costs: dict[str, Cost], delays: Latency) -> dict[str, object]:
    from kws.bench import cpu_ratios

    return {
        "costs": {title: {of: asdict(cost.spread(of)) for of in _COLUMNS} for title, cost in costs.items()},
        "cpu_ratio_to_peer": {part: asdict(ratio) for part, ratio in cpu_ratios(costs).items()},
        "latency": asdict(delays),
    }


def _print(costs: dict[str, Cost], delays: Latency) -> None:
    from kws.bench import cpu_ratios
    from kws.evaluation import Proportion

    rows = [
        (title, *(_text(cost.spread(of), digits) for of, (_, digits) in _COLUMNS.items()))
        for title, cost in costs.items()
    ]
    print_table(("", *(heading for heading, _ in _COLUMNS.values())), rows)
    for part, ratio in cpu_ratios(costs).items():
        click.echo(f"CPU, same models, kws to the peer, {part}: {_text(ratio, 2)}")
    if delays.p50 is not None and delays.p95 is not None:
        p50, p95 = delays.p50 * 1000, delays.p95 * 1000
        click.echo(
            f"latency from word end to event: p50 {p50:.0f} ms, p95 {p95:.0f} ms of {delays.heard} heard"
        )
    click.echo(f"words missed: {Proportion(delays.words - delays.heard, delays.words)}")
