"""`python -m training.ladder [WORD ...] [--rung NAME ...]`: train, measure, and write docs/ladder.md."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kws.bundle import bundled_names
from training.ladder.rungs import LADDER, RUNGS

DOCS = Path("docs")
KEPT = Path("figures") / "ladder"


@click.command()
@click.argument("words", nargs=-1)
@click.option(
    "--rung", "rungs", multiple=True, type=click.Choice(list(RUNGS)), help="By default all of the ladder."
)
@click.option("--seed", default=1, show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), default=Path(".cache"), show_default=True)
@click.option("--docs", type=click.Path(path_type=Path), default=DOCS, show_default=True)
@click.option("--again", is_flag=True, help="Measure what is kept under --cache, without training.")
@click.option("--page", "only_page", is_flag=True, help="Train nothing, only write the page again.")
def main(
    words: tuple[str, ...],
    rungs: tuple[str, ...],
    seed: int,
    cache: Path,
    docs: Path,
    again: bool,
    only_page: bool,
) -> None:
    """Train WORDS, by default those that are bundled, on each rung that was not measured yet."""
    from training.accuracy.counts import read_counts, write_counts
    from training.ladder.climb import Climbed, heard_again
    from training.ladder.page import page

    kept = docs / KEPT
    for word in () if only_page else words or bundled_names():
        for name in rungs or [rung.name for rung in LADDER]:
            path = kept / f"{word.replace(' ', '_')}-{name}.json"
            if again and not path.is_file():
                click.echo(f"{path}: not measured yet; leave out --again", err=True)
            elif again:
                write_counts(path, heard_again(read_counts(Climbed, path), cache))
            elif path.is_file():
                click.echo(f"{path}: measured already; delete it to measure again", err=True)
            else:
                write_counts(path, _climbed(word, name, seed, cache))
    found = [read_counts(Climbed, path) for path in sorted(kept.glob("*.json"))]
    (docs / "ladder.md").write_text(page(found), encoding="utf-8")


def _climbed(word: str, name: str, seed: int, cache: Path):  # type: ignore[no-untyped-def]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from training.ladder.climb import climb, command_of
    from training.ladder.matched import matched
    from training.ladder.spelled import spelled

    rung = RUNGS[name]
    command = command_of(word, rung, seed)
    if rung.hears:
        return matched(word, name, rung.hears, command, cache)
    if not rung.recipe:
        return spelled(word, command)
    return climb(word, rung, seed=seed, cache=cache)


if __name__ == "__main__":
    main()
