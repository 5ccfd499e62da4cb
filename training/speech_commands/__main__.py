"""`python -m training.speech_commands [RECIPE ...]`: learn, test, and write docs/speech-commands.md."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from training.speech_commands.figures import Figures
    from training.speech_commands.task import Task

RECIPES = Path(__file__).parents[1] / "recipes" / "speech_commands"
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
    from training.counts import read_counts, write_counts
    from training.data.manifest import read_manifest, recordings_manifest
    from training.speech_commands.figures import Figures, page
    from training.speech_commands.task import task_of

    kept = docs / "figures" / "speech-commands"
    if not only_page:
        task = task_of(read_manifest(manifest or recordings_manifest()))
        changes = {key: value for key, value in (("epochs", epochs), ("most", most)) if value is not None}
        for name in names or NAMES:
            figures = _measured(name, task, changes, seed, cache)
            click.echo(f"{name}: {figures.right()} right")
            write_counts(kept / f"{name}-{'whole' if task.is_whole else 'part'}.json", figures)
    found = [read_counts(Figures, path) for path in sorted(kept.glob("*.json"))]
    (docs / "speech-commands.md").write_text(page(found), encoding="utf-8")


def _measured(name: str, task: Task, changes: dict[str, int], seed: int, cache: Path) -> Figures:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    from training.settings import read_settings
    from training.speech_commands.classifier import Classifier
    from training.speech_commands.figures import Figures
    from training.speech_commands.hearing import learned_rows, tested_rows
    from training.speech_commands.learning import LearningRecipe, answers, learn
    from training.speech_commands.task import CLASSES
    from training.stopwatch import Stopwatch

    keras.utils.set_random_seed(seed)
    tables = read_settings(RECIPES / f"{name}.toml", {"network": dict, "training": LearningRecipe})
    recipe, settings = dataclasses.replace(tables["training"], **changes), dict(tables["network"])
    learned = learned_rows(task, recipe.most, recipe.versions, seed, cache)
    tested = tested_rows(task, seed, cache)
    network = Classifier(settings.pop("name"), settings, len(CLASSES))
    watch = Stopwatch()
    for epoch, loss in enumerate(learn(network, learned, recipe, seed), 1):
        click.echo(f"{name}, epoch {epoch}/{recipe.epochs}: loss {loss:.4f}", err=True)
    minutes = watch.minutes()
    given: dict[str, dict[str, int]] = {}
    for truth, answer in zip(tested.classes, answers(network, tested), strict=True):
        row = given.setdefault(CLASSES[truth], {})
        row[CLASSES[answer]] = row.get(CLASSES[answer], 0) + 1
    counts = {of: int((learned.classes == n).sum()) // recipe.versions for n, of in enumerate(CLASSES)}
    options = "".join(f" --{key} {value}" for key, value in changes.items())
    command = f"python -m training.speech_commands {name}{options} --seed {seed}"
    return Figures(
        name, network.weights, task.is_whole, counts, given, recipe.epochs,
        *minutes, command, time.strftime("%Y-%m-%d"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
