"""The float network on the streams its int8 form is measured on: what quantization costs.

    python -m training.float_figures out/computer.json

reads the float weights that `kws train` left beside the bundle and writes docs/figures/computer-float.json,
which docs/accuracy.md sets beside the int8 figures.
"""

from __future__ import annotations

import os
from pathlib import Path

import click
import numpy as np

from kws.bundle import Bundle, read_bundle
from kws.frontend import FrontendConfig
from kws.scoring import ScoreTrack
from kws.types import SAMPLE_RATE, Rows
from training.learning.smoothing import smoothed

CHUNK_STEPS = 100
"""Model steps per call of the network; its state is carried on."""


class FloatScorer:
    """Rows -> score track by the float network, streamed, smoothed as the detector does it.

    Sums of probabilities replace the detector's sums of whole numbers; everything else is the same.
    """

    def __init__(self, bundle: Bundle, weights: Path) -> None:
        from training.learning.checkpoint import load_weights
        from training.models import build

        settings = dict(bundle.card["recipe"]["network"])
        self._network = build(settings.pop("name"), settings)
        load_weights(weights, self._network)
        self._window = bundle.window

    def __call__(self, rows: Rows) -> ScoreTrack:
        """int8 rows (t, 40) of one stream -> its track."""
        scores = smoothed(self._probabilities(rows), self._window)
        frontend = FrontendConfig()
        heard = [frontend.rows_end((step + 1) * self._network.stride) for step in range(len(scores))]
        return ScoreTrack(np.array(heard) / SAMPLE_RATE, scores.astype(np.float32))

    def _probabilities(self, rows: Rows) -> np.ndarray:
        import tensorflow as tf

        from training.int8.quantize import to_real

        forward = tf.function(lambda chunk, states: self._network.forward(chunk, states))
        size, states, found = CHUNK_STEPS * self._network.stride, self._network.zero_states(1), []
        for start in range(0, len(rows) - size + 1, size):
            logits, states = forward(to_real(rows[start : start + size])[None], states)
            found.append(tf.sigmoid(logits).numpy()[0])
        rest = rows[len(found) * size :]
        rest = rest[: len(rest) // self._network.stride * self._network.stride]
        if len(rest):
            logits, _ = self._network.forward(to_real(rest)[None], states)
            found.append(tf.sigmoid(logits).numpy()[0])
        return np.concatenate(found) if found else np.empty(0)


@click.command()
@click.argument("manifest", type=click.Path(path_type=Path))
@click.option(
    "--weights", type=click.Path(path_type=Path), help="[default: NAME.weights.npz beside the manifest]"
)
def main(manifest: Path, weights: Path | None) -> None:
    """Measure the float network of a bundle on the dev streams."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from training.accuracy.figures import write_figures
    from training.accuracy.measure import measure
    from training.evaluate import FIGURES, dev_tracks

    bundle = read_bundle(manifest)
    scorer = FloatScorer(bundle, weights or manifest.with_suffix(".weights.npz"))
    word = bundle.wake_word
    figures = measure(
        dev_tracks(word, scorer), bundle.threshold, model=bundle.name, word=word, arithmetic="float32"
    )
    path = FIGURES / f"{bundle.name}-float.json"
    write_figures(path, figures)
    click.echo(f"wrote {path}")


if __name__ == "__main__":
    main()
