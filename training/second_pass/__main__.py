"""Train a second pass for a recognizer, or measure what one gains and costs.

python -m training.second_pass train english -o out/ [--kind las] [--minutes 10]
python -m training.second_pass measure out/english.json
python -m training.second_pass plot out/english.json order.wav "lights on" -o attention.svg
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from kws.recognition.bundle import find_recognizer
from kws.recognition.rescorers import RESCORERS
from training.options import recognizer_cache_option
from training.recipe import find_recipe


@click.group()
def main() -> None:
    """The recognizer's second pass."""


@main.command()
@click.argument("model")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True)
@click.option("--kind", type=click.Choice(["las", "transformer"]), default="transformer", show_default=True)
@click.option("--width", default=96, show_default=True)
@click.option("--minutes", default=10.0, show_default=True, help="CPU time for learning.")
@click.option("--most", default=18_000, show_default=True, help="Takes to learn from.")
@click.option("--recipe", default="english", show_default=True, help="Whose material it learns from.")
@click.option("--seed", default=7, show_default=True)
@recognizer_cache_option
def train(
    model: str,
    output: Path,
    kind: str,
    width: int,
    minutes: float,
    most: int,
    recipe: str,
    seed: int,
    cache: Path,
) -> None:
    """Copy the recognizer MODEL to a folder and put a second pass beside it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    from training.recognizer.recipe import read_recipe
    from training.second_pass.export import put_beside
    from training.second_pass.learn import teach
    from training.second_pass.material import dev_lessons, training_lessons
    from training.second_pass.spellers import SPELLERS

    keras.utils.set_random_seed(seed)
    bundle = find_recognizer(model)
    settings = read_recipe(find_recipe(recipe)).material
    learnt = training_lessons(bundle, settings, most=most, seed=seed, cache=cache)
    dev = [lesson for some in dev_lessons(bundle, most=40, cache=cache).values() for lesson in some]
    click.echo(f"{len(learnt)} takes to learn from", err=True)
    speller = SPELLERS[kind](width)
    teach(speller, learnt, dev, turns=1000, seconds=60 * minutes, seed=seed, say=_say)
    output.mkdir(parents=True, exist_ok=True)
    for path in (bundle.manifest_path, bundle.model_path):
        if path.resolve().parent != output.resolve():
            shutil.copy(path, output)
    copied = output / bundle.manifest_path.name
    click.echo(f"wrote {put_beside(copied, speller, kind)}")


@main.command()
@click.argument("model")
@click.option("--most", type=click.IntRange(1), help="Clips of each set at most, drawn evenly.")
@click.option("--rescore", type=click.Choice(list(RESCORERS)), default="second-pass", show_default=True)
@recognizer_cache_option
def measure(model: str, most: int | None, rescore: str, cache: Path) -> None:
    """Word error rates of MODEL with several weights of a rescorer, and what it costs."""
    from training.second_pass.measure import measured, report

    click.echo(report(list(measured(find_recognizer(model), rescore, most=most, cache=cache))))


@main.command()
@click.argument("model")
@click.argument("recording", type=click.Path(path_type=Path))
@click.argument("text")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="An SVG.")
def plot(model: str, recording: Path, text: str, output: Path) -> None:
    """Draw what each character of TEXT attends to in RECORDING."""
    from kws.recognition.acoustic import AcousticModel
    from kws.recognition.second_pass import second_pass_of
    from training.second_pass.attention_plot import attention_svg
    from training.understanding.dev_speech import log_probs_of

    bundle = find_recognizer(model)
    acoustic, judge = AcousticModel(bundle, "phones"), second_pass_of(bundle)
    heard = log_probs_of(acoustic, recording)[: judge.most_steps]
    drawing = attention_svg(
        judge.attention(heard, text), text, 2 * acoustic.step_seconds, (len(heard) + 1) // 2
    )
    output.write_text(drawing, encoding="utf-8")


def _say(text: str) -> None:
    click.echo(text, err=True)


if __name__ == "__main__":
    main()
