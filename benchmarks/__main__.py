"""Measure and write docs/benchmarks.md: `python -m benchmarks [PART ...]`.

What a part has found is kept in docs/benchmarks/PART.json, so that the page can be written anew without
measuring all of it again.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from benchmarks import (
    accuracy,
    accuracy_page,
    cost,
    free_text,
    grammars,
    growth,
    same_models,
    stages,
    startup,
    stream_rules,
)
from benchmarks.listening import listen
from kws.errors import KwsError

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
FOUND = PAGE.with_suffix("")

Found = Mapping[str, Any]


@dataclass(frozen=True)
class Part:
    """A chapter of the page."""

    title: str
    module: ModuleType
    """With section(found), which writes it, and perhaps drawings(found)."""
    measure: Callable[[int, float], Found]
    """Of the rounds and the minutes asked for."""


PARTS = {
    "cost": Part("Cost beside the peers", cost, lambda rounds, _: cost.measure(rounds)),
    "startup": Part("Start-up", startup, lambda rounds, _: startup.measure(rounds)),
    "growth": Part("How cost grows", growth, lambda rounds, _: growth.measure(rounds)),
    "models": Part(
        "The same models, by both runtimes", same_models, lambda rounds, _: same_models.measure(rounds)
    ),
    "stages": Part("Where the time goes", stages, lambda rounds, _: stages.measure(rounds)),
    "accuracy": Part(
        "Words missed and false alarms", accuracy_page, lambda _, minutes: _after_listening(minutes)
    ),
    "grammars": Part("Small vocabularies", grammars, lambda *_: grammars.measure()),
    "sentences": Part("Sentences about anything", free_text, lambda *_: free_text.measure()),
    "rules": Part("The streaming wake word of MLPerf Tiny", stream_rules, lambda *_: stream_rules.measure()),
}

ROUNDS = 6
"""Between the lowest and the highest of six the true median lies with 97 % confidence; of five, with 94 %."""

_OPENING = """\
# Benchmarks

Written by `python -m benchmarks`, that is `make bench`; edit the program, not the page. Each chapter names
the command that made its figures. It makes a virtual environment for each of the other engines, from PyPI;
those that cannot be had are named where they are missing. Accuracy, small vocabularies, sentences and the
streaming wake word are measured on the recordings under `KWS_DATA`; without them these chapters stay as they
are. All of it takes hours, most of them by letting slow engines hear; whoever interrupts it loses the part
that was being measured, or one stream.

Measured elsewhere: the [Speech Commands task](speech-commands.md), a day of audio
([verification](verification/)), and what a second stage costs, by `python -m benchmarks.second_stage`
([why there is one](decisions/0017-cascade-by-default.md)).
"""


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice([*PARTS, "page"]))
@click.option(
    "--rounds", type=click.IntRange(1), default=ROUNDS, show_default=True, help="In which all take turns."
)
@click.option(
    "--minutes",
    type=click.FloatRange(0),
    default=600.0,
    show_default=True,
    help="Spent at most on letting the engines hear what they have not heard yet.",
)
def main(parts: tuple[str, ...], rounds: int, minutes: float) -> None:
    """Measure PARTS, all without any, and write the page; `page` alone writes it of what was measured
    before."""
    FOUND.mkdir(exist_ok=True)
    failed = False
    for name in parts or PARTS:
        if name != "page":
            failed = not _is_kept(name, rounds, minutes) or failed
        _write_page()  # after each part, for whoever interrupts the next
    if failed:
        sys.exit(1)


def _is_kept(name: str, rounds: int, minutes: float) -> bool:
    """Measure a part and keep what it has found; False where it cannot be, and others may be."""
    try:
        found = _measured(name, rounds, minutes)
    except KwsError as error:
        click.echo(f"{name}: not measured: {error}", err=True)
        return False
    _file(name).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    click.echo(f"wrote {_file(name)}")
    return True


def _write_page() -> None:
    known = {
        name: json.loads(_file(name).read_text(encoding="utf-8")) for name in PARTS if _file(name).is_file()
    }
    PAGE.write_text(page(known), encoding="utf-8")
    for name, text in drawings(known).items():
        (FOUND / name).write_text(text, encoding="utf-8")
    click.echo(f"wrote {PAGE}")


def page(known: Mapping[str, Found]) -> str:
    """All chapters; one that was never measured says so."""
    return "\n".join([_OPENING, *(_chapter(name, part, known.get(name)) for name, part in PARTS.items())])


def drawings(known: Mapping[str, Found]) -> dict[str, str]:
    """File name -> SVG, of every chapter that has any."""
    drawn: dict[str, str] = {}
    for name, stored in known.items():
        if hasattr(PARTS[name].module, "drawings"):
            drawn |= PARTS[name].module.drawings(stored["found"])
    return drawn


def _chapter(name: str, part: Part, stored: Found | None) -> str:
    if stored is None:
        return f"## {part.title}\n\nNot measured yet: `python -m benchmarks {name}`.\n"
    made = "`{command}` on {date}, {machine}".format(**stored)
    return f"## {part.title}\n\n{made}{_beside(stored)}.\n\n{part.module.section(stored['found']).strip()}\n"


def _beside(stored: Found) -> str:
    """How busy the machine was."""
    if "load" not in stored:
        return ""
    load = stored["load"]
    return (
        f"; {load['cores']} cores, load average {load['before']:.1f} before and {load['after']:.1f} after, "
        f"niceness {load['nice']}"
    )


def _measured(name: str, rounds: int, minutes: float) -> Found:
    before, _, _ = os.getloadavg()
    found = PARTS[name].measure(rounds, minutes)
    after, _, _ = os.getloadavg()
    load = {"cores": os.cpu_count(), "before": before, "after": after, "nice": os.nice(0)}
    return {**_circumstances(name, rounds), "load": load, "found": found}


def _after_listening(minutes: float) -> Found:
    listen(60 * minutes)
    stored = _file("accuracy")
    return accuracy.measure(json.loads(stored.read_text())["found"] if stored.is_file() else None)


def _circumstances(name: str, rounds: int) -> dict[str, str]:
    with_rounds = f" --rounds {rounds}" if name in ("cost", "startup", "growth", "models", "stages") else ""
    return {
        "command": f"python -m benchmarks {shlex.quote(name)}{with_rounds}",
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }


def _file(name: str) -> Path:
    return FOUND / f"{name}.json"


if __name__ == "__main__":
    sys.exit(main())
