"""Generated words, to be listened to: `python -m training.generator.check [PHRASE ...] [-o FOLDER]`.

Prints how many of them a model of the phrase hears; beside it, how many of the `dev` recordings as they are,
and as the sound made of their energies, which says what that step costs.
"""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np
import soundfile

from kws.bundle import bundled_names, find_bundle
from kws.errors import KwsError
from kws.evaluation.levels import to_float, to_int16, to_level
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples
from training.data.manifest import read_manifest, recordings_manifest, select
from training.generator.energies import log_energies
from training.generator.material import LEVEL_DB
from training.generator.say import FILE, SAID, SayingConfig, say
from training.generator.sound import sound_of
from training.material.joined_check import heard


@click.command()
@click.argument("phrases", nargs=-1)
@click.option("--count", default=100, show_default=True, help="Speakings of each phrase.")
@click.option("--steps", default=SAID.steps, show_default=True)
@click.option("--guidance", default=SAID.guidance, show_default=True)
@click.option("--generator", type=click.Path(path_type=Path), default=FILE, show_default=True)
@click.option("--seed", default=5, show_default=True)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder for WAV files to listen to.")
def main(
    phrases: tuple[str, ...],
    count: int,
    steps: int,
    guidance: float,
    generator: Path,
    seed: int,
    output: Path | None,
) -> None:
    """Say PHRASES, by default the bundled wake words, and count what is heard."""
    config = SayingConfig(steps, guidance)
    try:
        for phrase in phrases or bundled_names():
            said = say([phrase] * count, generator, seed=seed, cache=None, config=config, workers=1)
            length = np.median([len(clip) for clip in said]) / SAMPLE_RATE
            click.echo(f"{phrase}: {count} words generated, median {length:.2f} s with silence about them")
            if phrase in bundled_names():
                _compare(phrase, said)
            if output:
                _write(output, phrase, said)
    except KwsError as error:
        raise click.ClickException(str(error)) from error


def _compare(word: str, said: list[Samples]) -> None:
    bundle = find_bundle(word)
    clips = [
        clip
        for clip in select(read_manifest(recordings_manifest()), split="dev", kinds=["wakeword"])
        if clip.label == word
    ]
    real = [to_level(to_float(read_samples(clip.path)), LEVEL_DB) for clip in clips]
    rng = np.random.default_rng(0)
    again = [sound_of(log_energies(audio), rng) for audio in real]
    click.echo(f"  generated: {heard(bundle, said)}")
    for name, audio in (("recorded", real), ("their energies", again)):
        click.echo(f"  {name}: {heard(bundle, [to_int16(one) for one in audio])}")


def _write(folder: Path, phrase: str, said: list[Samples]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, samples in enumerate(said, 1):
        soundfile.write(folder / f"{phrase.replace(' ', '_')}-{number:03}.wav", samples, SAMPLE_RATE)


if __name__ == "__main__":
    main()
