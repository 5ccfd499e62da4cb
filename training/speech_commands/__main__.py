"""`python -m training.speech_commands [RECIPE ...]`: learn, test, and write docs/speech-commands.md."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import click

NAMES = ("gru", "crnn", "dscnn", "bcresnet")
DOCS = Path("docs")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(NAMES))
@click.option(
    "--manifest",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Of the whole data set, by `kws data speech-commands`; else the parts of it at KWS_DATA.",
)
@click.option("--epochs", type=click.IntRange(2), help="Other than in the recipe.")
@click.option("--most", type=click.IntRange(1), help="Clips of one class, other than in the recipe.")
@click.option("--seed", default=1, show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), default=Path(".cache"), show_default=True)
@click.option("--docs", type=click.Path(path_type=Path), default=DOCS, show_default=True)
@click.option("--page", "only_page", is_flag=True, help="Learn nothing, only write the page again.")
def main(
    names: tuple[str, ...],
    manifest: Path | None,
    epochs: int | None,
    most: int | None,
    seed: int,
    cache: Path,
    docs: Path,
    only_page: bool,
) -> None:
    """Learn by the recipes called NAMES, all without any, and measure each on the test clips."""
    from training.accuracy.counts import read_counts, write_counts
    from training.data.manifest import read_manifest, recordings_manifest
    from training.speech_commands.figures import Figures, page
    from training.speech_commands.task import task_of

    kept = docs / "figures" / "speech-commands"
    if not only_page:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        from training.speech_commands.trial import tried

        task = task_of(read_manifest(manifest or recordings_manifest()))
        changes = {key: value for key, value in (("epochs", epochs), ("most", most)) if value is not None}
        for name in names or NAMES:
            figures = tried(name, task, changes, seed, cache, partial(click.echo, err=True))
            click.echo(f"{name}: {figures.right()} right")
            write_counts(kept / f"{name}-{'whole' if task.is_whole else 'part'}.json", figures)
    found = [read_counts(Figures, path) for path in sorted(kept.glob("*.json"))]
    (docs / "speech-commands.md").write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
