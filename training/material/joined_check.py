"""Words joined from pieces, to be listened to: `python -m training.material.joined_check PHRASE [-o FOLDER]`.

Prints how long and how loud they are, and how many of them a model of the phrase hears.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import soundfile

from kws.bundle import Bundle, bundled_names, find_bundle
from kws.errors import KwsError
from kws.evaluation import Proportion
from kws.evaluation.levels import active_level, to_float
from kws.types import SAMPLE_RATE, Samples
from training.enroll.listening import best_scores
from training.material.ingredients.ingredients import trainable
from training.material.joined_speech import joined_words, readers_of
from training.progress import bars_shown


def summary(words: list[Samples], readers: int) -> str:
    """Lengths and levels on one line."""
    seconds = np.percentile([len(word) / SAMPLE_RATE for word in words], [0, 50, 100])
    levels = np.percentile([active_level(to_float(word)) for word in words], [0, 50, 100])
    return (
        f"{len(words)} words by {readers} readers: {seconds[0]:.2f} to {seconds[2]:.2f} s, median "
        f"{seconds[1]:.2f}; {levels[0]:.0f} to {levels[2]:.0f} dBFS, median {levels[1]:.0f}"
    )


def heard(bundle: Bundle, words: list[Samples]) -> str:
    """How many a model hears, on one line."""
    scores = best_scores(bundle, words)
    share = Proportion(sum(score >= bundle.threshold for score in scores), len(scores))
    low, high = (100 * limit for limit in share.interval)
    rate = f"{100 * share.value:.0f} % ({low:.0f} to {high:.0f})"
    return f"{bundle.name} hears {share.count} of {share.total}: {rate}"


@click.command()
@click.argument("phrases", nargs=-1)
@click.option("--count", default=20, show_default=True, help="Speakings of each phrase.")
@click.option("--readers", default=4, show_default=True, help="Readers who say them in turn.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for WAV files to listen to.")
@click.option("--cache", type=click.Path(path_type=Path), default=Path(".cache"), show_default=True)
def main(phrases: tuple[str, ...], count: int, readers: int, output: Path | None, cache: Path) -> None:
    """Join PHRASES, by default the bundled wake words, from what readers of the training recordings said."""
    chosen = readers_of(trainable())[:readers]
    read = [clip for sentences in chosen for clip in sentences]
    try:
        for phrase in phrases or bundled_names():
            with bars_shown():
                words = joined_words(phrase, read, count, seed=1, cache=cache)
            if not words:
                raise KwsError(
                    f"{phrase}: no reader said all of its phones; set KWS_DATA, or name more readers"
                )
            click.echo(f"{phrase}: {summary(words, len(chosen))}")
            if phrase in bundled_names():
                click.echo(f"  {heard(find_bundle(phrase), words)}")
            if output:
                _write(output, phrase, words)
    except KwsError as error:
        raise click.ClickException(str(error)) from error


def _write(folder: Path, phrase: str, words: list[Samples]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, samples in enumerate(words, 1):
        soundfile.write(folder / f"{phrase.replace(' ', '_')}-{number:02}.wav", samples, SAMPLE_RATE)


if __name__ == "__main__":
    main()
