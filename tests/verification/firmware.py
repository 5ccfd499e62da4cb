"""An hour of real recordings through the exported C: front end, models and detector beside their judges.

Rows are compared with pymicro-features, outputs with tflite-micro and, for the record, with LiteRT's
reference kernels; events with those of kws's detector on the same outputs, and with what `kws run` hears.
Random rows and graphs follow, the graphs built with checks for undefined behaviour and bad addresses.

Exit code 1 if a row, an output (of tflite-micro) or an event of the detector differs, or if more than one in
twenty of the desktop's events is not heard within 0.1 s: its kernels round in another way.

python tests/verification/firmware.py [MODEL ...]      # by default the bundled models and the community's
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import community
import exported
import microcontroller
import numpy as np
from random_graphs import RandomGraph

import kws
from firmware_export.verify import Comparison, Firmware, compare_with_desktop
from kws.bundle import Bundle, find_bundle
from kws.frontend import Frontend
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples
from training.data.manifest import read_manifest, recordings_manifest

SECONDS = 3_600
RANDOM_ROWS = 30_000
GRAPHS = 10
MOST_ALONE = 0.05
"""Share of events that only one side may have: a score that just reaches the threshold there and not here."""


def main(models: list[str]) -> int:
    """Print what was found; the last line sums it up."""
    names = models or [*kws.bundled_names(), *(str(community.manifest(name)) for name in community.NAMES)]
    samples = an_hour()
    print(f"{len(samples) / SAMPLE_RATE / 60:.0f} minutes of dev recordings, every wake word among them")
    same = [model_holds(find_bundle(name), samples) for name in names]
    graphs = [graph_holds(seed) for seed in range(GRAPHS)]
    print(f"random graphs with every kernel: {sum(graphs)} of {GRAPHS} give tflite-micro's outputs")
    print(
        f"Firmware computes what it should: {sum(same)} of {len(same)} models, "
        f"{sum(graphs)} of {GRAPHS} graphs."
    )
    return 0 if all(same) and all(graphs) else 1


def an_hour() -> Samples:
    """All dev wake words, then other dev recordings in a fixed random order."""
    clips = [
        clip for clip in read_manifest(recordings_manifest()) if clip.split == "dev" and clip.kind != "room"
    ]
    np.random.default_rng(0).shuffle(clips)  # type: ignore[arg-type]
    clips.sort(key=lambda clip: clip.kind != "wakeword")
    pieces, length = [], 0
    for clip in clips:
        pieces.append(read_samples(clip.path))
        length += len(pieces[-1])
        if length >= SECONDS * SAMPLE_RATE:
            break
    hour = np.concatenate(pieces)[: SECONDS * SAMPLE_RATE]
    minutes = np.array_split(hour, SECONDS // 60)
    return np.concatenate([minutes[i] for i in np.random.default_rng(1).permutation(len(minutes))])


def model_holds(bundle: Bundle, samples: Samples) -> bool:
    """Whether one model's firmware agrees with all its judges."""
    with (
        tempfile.TemporaryDirectory() as work,
        exported.firmware(bundle, Path(work) / "c", flags=()) as firmware,
    ):
        found = compare_with_desktop(firmware, bundle, samples)
        heard = unequal_to_microcontroller(firmware, bundle, Frontend().push(samples))
        noise = np.random.default_rng(2).integers(-128, 128, (RANDOM_ROWS, 40)).astype(np.int8)
        noisy = unequal_to_microcontroller(firmware, bundle, noise)
    print(community.title(bundle))
    print(f"  front end: {found.unequal_rows} of {found.rows} rows differ from pymicro-features")
    print(
        f"  model: {heard} of {found.steps} outputs differ from tflite-micro, "
        f"{noisy} of {RANDOM_ROWS // 3} on random rows"
    )
    print(
        f"  model: {found.unequal_steps} of {found.steps} outputs differ from LiteRT's reference kernels, "
        f"by at most {found.largest_difference} of 255"
    )
    print(f"  events: {events_of(found)}", flush=True)
    few = found.alone <= len(found.desktop) * MOST_ALONE
    return found.exact and few and heard == 0 and noisy == 0


def unequal_to_microcontroller(firmware: Firmware, bundle: Bundle, rows: np.ndarray) -> int:
    """Steps whose outputs differ from tflite-micro's."""
    judge = microcontroller.outputs(bundle.model_path.read_bytes(), rows, bundle.open_model().stride)
    return int(np.count_nonzero((firmware.outputs(rows) != judge).any(axis=1)))


def events_of(found: Comparison) -> str:
    """Counts, and how far they lie apart."""
    shifts = found.shifts
    return (
        f"{len(found.firmware)} in the firmware, {len(found.expected)} by kws's detector on its outputs, "
        f"{len(found.desktop)} by kws run: {len(shifts)} in both, {shifts.count(0)} of them to the sample, "
        f"all within {1000 * max(shifts, default=0):.0f} ms, {found.alone} on one side alone"
    )


def graph_holds(seed: int) -> bool:
    """Whether a random graph gives the same outputs as in tflite-micro."""
    graph = RandomGraph(seed)
    model = graph.tflite()
    labels = [str(index) for index in range(graph.width)]
    rows = graph.rng.integers(-128, 128, (900, 40)).astype(np.int8)
    with tempfile.TemporaryDirectory() as work:
        bundle = exported.bundle_of(model, Path(work), labels=labels)
        with exported.firmware(bundle, Path(work) / "c") as firmware:
            return bool(np.array_equal(firmware.outputs(rows), microcontroller.outputs(model, rows)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
