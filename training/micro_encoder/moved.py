"""A head that learned on the whole micro embedding, moved onto a smaller one, and measured there.

    python -m training.ladder computer --rung device-packed
    python -m training.micro_encoder.moved .cache/ladder/computer-device-packed/computer.json small.npz

Nothing learns: what is missed more than by the whole model is what the smaller encoder says differently.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from kws.bundle import find_bundle, write_bundle
from kws.evaluation import Proportion
from kws.frontends import MICRO, MICRO_EMBEDDING
from kws.manifest_keys import read_json
from training.accuracy.figures import Figures
from training.heads.background import read_background
from training.heads.bundling import CALIBRATION_ROWS
from training.heads.graph import head_model
from training.heads.head import Committee
from training.heads.weights import heads_from
from training.learning.checkpoint import load_arrays

PER_HOUR = ("0.5", "1")
"""False alarms allowed, as `Figures.points` names them."""
CONDITIONS = ("clean", "10 dB")


def moved(manifest: Path, weights: Path, folder: Path) -> Path:
    """The same bundle with a smaller encoder in its model; returns the path of its manifest.

    The scales of the head's activations come from the other speech that the package brings.

    Args:
        manifest: of a model that `kws train --recipe micro_head` made; its float weights lie beside it.
        weights: of the encoder, as training.micro_encoder.smaller writes them.
        folder: for the new bundle.

    Raises:
        KwsError: the head's float weights are not there.
    """
    heads = Committee(tuple(heads_from(load_arrays(manifest.with_suffix(".weights.npz")))))
    other_speech = read_background(encoder=MICRO_EMBEDDING).rows[-CALIBRATION_ROWS:]
    tflite = head_model(heads, other_speech, whole=True, weights=weights)
    return write_bundle(folder, manifest.stem, tflite, read_json(manifest), front_end=MICRO)


def told(figures: Figures) -> str:
    """Misses at each rate, with 95 % intervals."""
    lines = [f"{figures.word}, {figures.bytes / 1000:.0f} kB, {figures.speech_hours:.2f} h of speech"]
    for rate in PER_HOUR:
        point = figures.points[rate]
        missed = [f"{name}: {Proportion(point.misses[name], figures.words)}" for name in CONDITIONS]
        lines.append(f"at most {rate} an hour, {point.false_alarms} false alarms: {'; '.join(missed)}")
    return "\n".join(lines)


@click.command()
@click.argument("manifest", type=click.Path(path_type=Path))
@click.argument("weights", type=click.Path(path_type=Path))
def main(manifest: Path, weights: Path) -> None:
    """Measure the head of MANIFEST on the encoder in WEIGHTS, with the `dev` recordings under KWS_DATA."""
    from training.evaluate import evaluate

    with tempfile.TemporaryDirectory() as folder:
        figures, _ = evaluate(find_bundle(moved(manifest, weights, Path(folder))), jobs=1)
    click.echo(told(figures))


if __name__ == "__main__":
    main()
