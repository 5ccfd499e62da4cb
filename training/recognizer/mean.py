"""The mean of the weights of several trainings of one network, as a recognizer bundle.

python -m training.recognizer.mean one.weights.npz other.weights.npz -o out/ [--recipe english]

Where one training went on from another, or both from a third, what lies between their weights may read better
than either (Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves
accuracy without increasing inference time"). Means and variances of the normalizations are averaged likewise.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from kws.errors import KwsError
from training.learning.checkpoint import Array, load_arrays
from training.options import recognizer_cache_option
from training.recipe import find_recipe, short_name
from training.recognizer.recipe import read_recipe


def mean_of(paths: Sequence[Path]) -> list[Array]:
    """Array by array; KwsError where two files are not of the same network."""
    first, *others = (load_arrays(path) for path in paths)
    for path, arrays in zip(paths[1:], others, strict=True):
        if [array.shape for array in arrays] != [array.shape for array in first]:
            raise KwsError(
                f"{path}: weights of another network than {paths[0]}; give trainings of one recipe"
            )
    return [np.mean(same, axis=0, dtype=np.float32) for same in zip(first, *others, strict=True)]


@click.command()
@click.argument(
    "weights", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory for the bundle."
)
@click.option("--name", default="english", show_default=True, help="Name of the bundle.")
@click.option("--recipe", default="english", show_default=True, metavar="RECIPE", help="Of the network.")
@click.option("--seed", default=7, show_default=True, help="As it was trained with.")
@recognizer_cache_option
def mean(weights: tuple[Path, ...], output: Path, name: str, recipe: str, seed: int, cache: Path) -> None:
    """Quantize the mean of WEIGHTS (NAME.weights.npz of trainings of one network), and measure it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from training.learning.checkpoint import load_weights, save_arrays
    from training.recognizer.learn import build
    from training.recognizer.material import dev_sets, gather
    from training.recognizer.publish import add_to_card, measured, publish

    path = find_recipe(recipe)
    settings = read_recipe(path)
    ears = settings.network.encoder
    output.mkdir(parents=True, exist_ok=True)
    save_arrays(output / f"{name}.weights.npz", mean_of(weights))
    network = build(settings.network)
    load_weights(output / f"{name}.weights.npz", network)
    material = gather(settings.material, seed=seed, cache=cache, encoder=ears, say=click.echo)
    options = ["-o", str(output), "--name", name, "--recipe", short_name(path), "--seed", str(seed)]
    command = shlex.join(["python", "-m", "training.recognizer.mean", *map(str, weights), *options])
    bundle = publish(output, name, network, material, settings, seed=seed, command=command)
    add_to_card(bundle, measured(bundle, network, dev_sets(cache, encoder=ears)))
    click.echo(f"wrote {bundle}")


if __name__ == "__main__":
    mean()
