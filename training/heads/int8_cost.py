"""What int8 costs a word on the micro embedding: the same weights by float arithmetic, and as deployed.

    python -m training.ladder computer --rung device-packed
    python -m training.heads.int8_cost .cache/ladder/computer-device-packed/computer.json

The encoder's weights are int8 where they are kept, so its activations alone differ; of the heads both do.
"""

from __future__ import annotations

import os
from pathlib import Path

import click
import numpy as np

from kws.bundle import Bundle, find_bundle
from kws.encoders.micro_embedding import WEIGHTS, MicroEmbeddingConfig
from kws.errors import KwsError
from kws.frontends import MICRO
from kws.scoring import ScoreTrack
from kws.types import SAMPLE_RATE, Rows
from training.heads.head import Committee, Floats
from training.heads.weights import heads_from
from training.learning.checkpoint import load_arrays
from training.learning.smoothing import smoothed

STRETCH_SECONDS = 60.0
BEFORE_SECONDS = 4.0
"""That a stretch is heard earlier: more than a step of the encoder reaches back."""


class FloatHeads:
    """Rows -> score track, smoothed as the detector does it.

    Args:
        bundle: of a word for devices, as `kws train --recipe micro_head` makes it.
        weights: its float weights.

    Raises:
        KwsError: the weights cannot be read, or the bundle hears through something else.
    """

    def __init__(self, bundle: Bundle, weights: Path) -> None:
        from kws.encoders.layer_file import read_student
        from training.micro_encoder.student import Student

        if bundle.front_end != MICRO:
            raise KwsError(
                f"{bundle.name}: hears through {bundle.front_end}; give a word on the micro front end"
            )
        self._heads = Committee(tuple(heads_from(load_arrays(weights))))
        self._student, self._window = Student(read_student(WEIGHTS)[0]), bundle.window

    def __call__(self, rows: Rows) -> ScoreTrack:
        """int8 rows (t, 40) of one stream -> its track."""
        config = MicroEmbeddingConfig()
        steps = self.embeddings(rows) / np.float32(config.row_scale)  # int8's steps, not rounded
        scores = smoothed(1 / (1 + np.exp(-self._heads.logits(steps).astype(np.float64))), self._window)
        heard = [config.rows_end(step + 1) for step in range(len(scores))]
        return ScoreTrack(np.array(heard) / SAMPLE_RATE, scores.astype(np.float32))

    def embeddings(self, rows: Rows) -> Floats:
        """int8 rows (t, 40) -> (t / 8, 96), a minute at a time."""
        from training.int8.quantize import to_real

        config, found = MicroEmbeddingConfig(), []
        stretch, before = (round(s / config.row_seconds) for s in (STRETCH_SECONDS, BEFORE_SECONDS))
        for first in range(0, len(rows) // config.rows, stretch):
            start, end = max(0, first - before), min(first + stretch, len(rows) // config.rows)
            heard = self._student(to_real(rows[start * config.rows : end * config.rows])[None]).numpy()[0]
            found.append(heard[first - start :])
        return np.concatenate(found) if found else np.empty((0, config.channels), np.float32)


@click.command()
@click.argument("manifest", type=click.Path(path_type=Path))
def main(manifest: Path) -> None:
    """Measure the word of MANIFEST both ways, with the `dev` recordings under KWS_DATA."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from training.accuracy.measure import measure
    from training.evaluate import dev_tracks, evaluate
    from training.micro_encoder.moved import told

    bundle = find_bundle(manifest)
    scorer = FloatHeads(bundle, manifest.with_suffix(".weights.npz"))
    tracks = dev_tracks(bundle.wake_word.lower(), scorer)
    exact = measure(tracks, bundle.threshold, model=bundle.name, word=bundle.wake_word, arithmetic="float32")
    click.echo(f"float32: {told(exact)}")
    click.echo(f"int8: {told(evaluate(bundle, jobs=1)[0])}")


if __name__ == "__main__":
    main()
