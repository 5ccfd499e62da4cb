"""Measure how large the speech embedding's activations get: `python -m training.encoder_ranges`.

Writes kws/encoders/ranges.json, from which the int8 encoder's scales follow. Heard are recordings of the
`train` split, some of every corpus.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import click
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from kws.encoders.logmel import LogMel
from kws.encoders.speech_embedding import RANGES, SpeechEmbeddingConfig, published_network
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE
from training.data.manifest import Clip, read_manifest, recordings_manifest

SECONDS = 10
"""Of a recording, at most."""
CLIPS = 40
"""Of a corpus."""
TAIL = 1e-5
"""Share of a layer's activations that may exceed its range: they are cut off there."""
LOWEST_ROW = -1.0
"""Log-mel value where rows are cut off: dither of one unit lies higher, digital silence alone lower."""


class Activations:
    """The published network, read at every activation."""

    def __init__(self) -> None:
        path = published_network(SpeechEmbeddingConfig())
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(path.read_bytes(), 0))
        self._outputs = [
            int(operator.outputs[0])
            for operator in model.subgraphs[0].operators
            if _code(model, operator) == schema.BuiltinOperator.MAXIMUM
        ]
        self._interpreter = Interpreter(
            str(path),
            experimental_preserve_all_tensors=True,
            num_threads=1,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )

    def of(self, rows: np.ndarray) -> Iterator[np.ndarray]:
        """The activations of each layer in turn for log-mel rows (t, 32)."""
        entry = self._interpreter.get_input_details()[0]["index"]
        self._interpreter.resize_tensor_input(entry, (1, *rows.shape, 1))
        self._interpreter.allocate_tensors()
        self._interpreter.set_tensor(entry, rows[None, :, :, None])
        self._interpreter.invoke()
        return (self._interpreter.get_tensor(index) for index in self._outputs)


class Largest:
    """The value that a share of TAIL of very many values exceeds; only the largest of each push are kept."""

    def __init__(self) -> None:
        self._values = np.empty(0, np.float32)
        self._seen = 0

    def push(self, values: np.ndarray) -> None:
        """Any shape."""
        flat = values.ravel()
        self._seen += len(flat)
        keep = min(len(flat), max(100, int(20 * TAIL * len(flat))))
        self._values = np.concatenate([self._values, np.partition(flat, len(flat) - keep)[-keep:]])

    def bound(self) -> float:
        """Exceeded by a share of TAIL."""
        exceeding = int(TAIL * self._seen)
        return float(np.sort(self._values)[-1 - exceeding])


def measure(clips: Iterable[Clip]) -> dict[str, list[float]]:
    """What ranges.json holds."""
    activations, layers, highest = Activations(), [], []
    for clip in clips:
        rows = LogMel().push(read_samples(clip.path)[: SECONDS * SAMPLE_RATE])
        if len(rows) < SpeechEmbeddingConfig().field_rows:
            continue
        highest.append(rows.max())
        for index, values in enumerate(activations.of(rows)):
            if index == len(layers):
                layers.append(Largest())
            layers[index].push(values)
    return {
        "rows": [LOWEST_ROW, round(float(max(highest)), 2)],
        "layers": [round(layer.bound(), 2) for layer in layers],
    }


def some_of_each(clips: Iterable[Clip]) -> list[Clip]:
    """Up to CLIPS of every corpus of the `train` split, evenly over its list."""
    corpora: dict[str, list[Clip]] = {}
    for clip in clips:
        if clip.split == "train" and clip.seconds >= 1:
            corpora.setdefault(clip.corpus, []).append(clip)
    return [c for listed in corpora.values() for c in listed[:: max(1, len(listed) // CLIPS)][:CLIPS]]


def _code(model: object, operator: object) -> int:
    code = model.operatorCodes[operator.opcodeIndex]  # type: ignore[attr-defined]
    return max(code.builtinCode, code.deprecatedBuiltinCode)


@click.command()
def main() -> None:
    """Measure on the recordings named by KWS_DATA and write the file."""
    measured = measure(some_of_each(read_manifest(recordings_manifest())))
    text = json.dumps({"command": "python -m training.encoder_ranges", **measured}, indent=None)
    RANGES.write_text(text.replace(', "', ',\n "') + "\n", encoding="utf-8")
    click.echo(text)


if __name__ == "__main__":
    main()
