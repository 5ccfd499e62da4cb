"""The subcommand `kws train`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from training.recipe import RECIPES, read_recipe


@click.command()
@click.argument("phrase")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory for the bundle."
)
@click.option(
    "--recipe",
    type=click.Path(path_type=Path),
    default=RECIPES / "gru.toml",
    show_default="gru.toml",
    help="Recipe (TOML).",
)
@click.option("--seed", default=1, show_default=True, help="Seed of everything random.")
@click.option("--synthetic-only", is_flag=True, help="Leave the real recordings under KWS_DATA alone.")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    default=Path(".cache"),
    show_default=True,
    help="Where tapes are kept.",
)
def train(phrase: str, output: Path, recipe: Path, seed: int, synthetic_only: bool, cache: Path) -> None:
    """Train a wake word: PHRASE as it is spelled, for example "hey computer"."""
    settings = read_recipe(recipe)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    from training.bundling import write_trained
    from training.checkpoint import save_weights
    from training.material import gather
    from training.models import build
    from training.train import fit

    keras.utils.set_random_seed(seed)
    phrase = " ".join(phrase.lower().split())
    started = time.monotonic()
    _say(started, f"gathering material for {phrase!r}")
    material = gather(phrase, settings.material, seed=seed, cache=cache, recordings=not synthetic_only)
    _say(started, f"{material.tapes.hours:.1f} h on {len(material.tapes)} tapes")
    network = build(settings.network["name"], {k: v for k, v in settings.network.items() if k != "name"})
    for progress in fit(network, material.tapes, settings.training, seed=seed):
        _say(
            started,
            f"epoch {progress.epoch}/{settings.training.epochs}: loss {progress.loss:.4f}, "
            f"{progress.hard_tapes} tapes with false alarms",
        )
    command = (
        f"kws train {phrase!r} --recipe {recipe.name} --seed {seed}" + " --synthetic-only" * synthetic_only
    )
    path = write_trained(output, phrase, network, material, settings, seed=seed, command=command)
    save_weights(path.with_suffix(".weights.npz"), network)
    _say(started, f"wrote {path} and its float weights")


def _say(started: float, text: str) -> None:
    click.echo(f"{time.monotonic() - started:6.0f} s  {text}", err=True)


if __name__ == "__main__":
    train()
