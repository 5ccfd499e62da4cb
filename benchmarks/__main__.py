"""Measure everything and write docs/benchmarks.md: `python -m benchmarks [--rounds N]`."""

from __future__ import annotations

import datetime
import platform
import subprocess
import sys
from pathlib import Path

import click

from benchmarks.stages import measure, reset_seconds
from kws.bench.process import Spread

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"

_PAGE = """\
# Cost

Written by `python -m benchmarks --rounds {rounds}` on {date}, {machine}; edit the program,
not the page. One core, one thread, {rounds} rounds in which everything takes its turn once. A figure is the
median of the rounds with the lowest and the highest, between which the true median lies with
{confidence:.0f} % confidence. Other work may run beside it: the ratios carry over to other machines, the
seconds do not.

## The whole, beside pymicro-wakeword

`kws bench --runs {rounds}`: fresh processes on a minute of the selftest's recordings.

```
{bench}```

*kws, 1 model of the peer* runs the peer's own model file in our engine, so that the ratio compares runtimes
and not models. Other peers are not measured yet.

## Stage by stage

CPU seconds per second of audio, in blocks of 40 ms where audio goes in.

| stage | CPU s per audio s |
|---|---|
{stages}

Resetting a wake word, which makes a new interpreter: {reset} ms.
"""


@click.command()
@click.option("--rounds", type=click.IntRange(1), default=6, show_default=True)
def main(rounds: int) -> None:
    stages = "\n".join(f"| {title} | {_text(cost, 5)} |" for title, cost in measure(rounds).items())
    reset = reset_seconds(rounds)
    milliseconds = Spread(1000 * reset.median, 1000 * reset.low, 1000 * reset.high)
    command = [sys.executable, "-m", "kws", "bench", "--runs", str(rounds)]
    page = _PAGE.format(
        rounds=rounds,
        date=datetime.datetime.now(datetime.timezone.utc).date(),
        machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        confidence=100 * (1 - 2 / 2**rounds),
        bench=subprocess.run(command, check=True, capture_output=True, text=True).stdout,
        stages=stages,
        reset=_text(milliseconds, 2),
    )
    PAGE.write_text(page, encoding="utf-8")
    click.echo(f"wrote {PAGE}")


def _text(spread: Spread, digits: int) -> str:
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f} to {spread.high:.{digits}f})"


if __name__ == "__main__":
    main()
