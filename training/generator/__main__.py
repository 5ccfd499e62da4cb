"""Make the generator: align recordings to what is said in them, and learn to say it.

    python -m training.generator

writes training/generator/generator.npz, from recordings under KWS_DATA that may be published on.
"""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections import Counter
from pathlib import Path

import click

from kws.bundle import bundled_names
from kws.errors import KwsError
from training.generator.say import FILE
from training.progress import bars_shown


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), default=FILE, show_default=True)
@click.option("--recordings", default=2_800, show_default=True, help="At most, drawn at random.")
@click.option("--batches", default=3_000, show_default=True)
@click.option(
    "--without", multiple=True, help="Phrases nobody shall be heard saying; default: the bundled wake words."
)
@click.option("--seed", default=1, show_default=True)
@click.option("--cache", type=click.Path(path_type=Path), default=Path(".cache"), show_default=True)
def main(
    output: Path, recordings: int, batches: int, without: tuple[str, ...], seed: int, cache: Path
) -> None:
    """Align, learn, hear every speaker's voice, and write what says words in them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from training.generator.material import read, usable
    from training.kept import check_writable
    from training.material.ingredients import trainable

    try:
        check_writable(output.parent, "-o")
        without = without or tuple(bundled_names())
        clips = usable(trainable(), without, seed=seed)[:recordings]
        with bars_shown():
            spoken = read(clips, cache)
        _say(f"{len(spoken.is_word)} of {len(clips)} recordings, {spoken.hours:.2f} h")
        corpora = Counter(clip.corpus for clip in clips)
        card = {
            "command": shlex.join(["python", "-m", "training.generator", *sys.argv[1:]]),
            "licence": "Apache-2.0",
            "data": dict(sorted(corpora.items())),
            "without": list(without),
            "recordings": len(spoken.is_word),
            "hours": round(spoken.hours, 2),
            "speakers": int(spoken.speaker.max()) + 1,
            "batches": batches,
            "seed": seed,
        }
        _learn(output, spoken, batches, card, seed)
    except KwsError as error:
        raise click.ClickException(str(error)) from error


def _learn(output: Path, spoken, batches: int, card: dict[str, object], seed: int) -> None:  # type: ignore[no-untyped-def]
    import keras

    from training.credits import data_credits
    from training.generator.kept import Kept, voices_of, write_generator
    from training.generator.learn import LearningRecipe, learn, scaling_of
    from training.generator.network import Generator

    keras.utils.set_random_seed(seed)
    generator, recipe, scaling = Generator(), LearningRecipe(), scaling_of(spoken.energies)
    card |= {"credits": data_credits(card["data"]), "recipe": vars(recipe)}  # type: ignore[arg-type]

    def keep() -> None:
        voices = voices_of(generator, spoken, scaling, recipe, seed=seed)
        write_generator(output, Kept(generator, scaling, spoken.durations, voices, card))

    def report(progress) -> None:  # type: ignore[no-untyped-def]
        _say(str(progress))
        if progress.batch % 1000 == 0:
            keep()

    learn(generator, spoken, scaling, batches, recipe, seed=seed, report=report)
    keep()
    _say(f"wrote {output}")


def _say(text: str) -> None:
    click.echo(f"{time.strftime('%H:%M:%S')}  {text}", err=True)


if __name__ == "__main__":
    main()
