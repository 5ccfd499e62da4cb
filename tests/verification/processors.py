"""Exported C on QEMU's Cortex-M3, M4F, M7, M55 and RISC-V: the desktop's bits, and what it costs there.

Half a minute of recordings for every model and processor, and five seconds for a network whose windows have
padding, as no bundled model's have. Events are those that come out over the UART. Flash is the whole program
with start-up code; memory is the engine's; the stack is the most that was in use; instructions are those
inside kws_push, as QEMU counts them. QEMU knows no cycles: the share of 168 MHz, an ordinary Cortex-M4's, is
an estimate at 1.3 cycles an instruction.
Exit code 1 if a processor computes other rows or outputs than pymicro-features and tflite-micro, or has other
events than kws's detector on such outputs.

python tests/verification/processors.py [MODEL ...]      # by default those bundled and the community's alexa
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import community
import emulated
import exported
import microcontroller
import numpy as np
from pictures import picture_network

import kws
from firmware_export.c99.export import export, prepare
from firmware_export.verify import detected
from kws.bundle import Bundle, find_bundle
from kws.frontend import Frontend
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples
from training.data.manifest import read_manifest, recordings_manifest

SECONDS = 30
SECONDS_OF_PICTURES = 5
CYCLES_PER_INSTRUCTION = 1.3
CLOCK = 168e6
"""Hertz, of the Cortex-M4 that the share is estimated for."""

HEAD = (
    "| model | processor | kernels | events | flash | memory | stack | instructions per second "
    "| share of 168 MHz |\n|---|---|---|---|---|---|---|---|---|"
)
PLAIN = ("-DKWS_PLAIN",)
WITH_VECTORS = ("Cortex-M4F", "Cortex-M7", "Cortex-M55")


def main(models: list[str]) -> int:
    """Print a table; the last line sums it up."""
    names = models or [*kws.bundled_names(), str(community.manifest("alexa"))]
    print(HEAD)
    same = [equal for name in names for equal in model_on_all(find_bundle(name))]
    if not models:
        with tempfile.TemporaryDirectory() as folder:
            bundle = exported.bundle_of(picture_network(), Path(folder), warmup_rows=0)
            same += model_on_all(bundle, "padded windows", SECONDS_OF_PICTURES)
    print(f"\nProcessors compute the desktop's bits: {sum(same)} of {len(same)} runs.")
    return 0 if all(same) else 1


def model_on_all(bundle: Bundle, title: str = "", seconds: int = SECONDS) -> list[bool]:
    """One model on every processor, with and without its vector instructions; whether each run was right."""
    samples = half_a_minute(bundle.wake_word.lower())[: seconds * SAMPLE_RATE]
    expected = expectation(bundle, samples)
    results = []
    with tempfile.TemporaryDirectory() as work:
        export(bundle, Path(work) / "c", None)
        for machine in emulated.MACHINES:
            for flags in ((), PLAIN) if machine.name in WITH_VECTORS else (PLAIN,):
                found = emulated.run(machine, Path(work) / "c", samples, Path(work), flags)
                ends = tuple(end for end, _ in found.events)
                results.append((found.row_sum, found.output_sum, ends) == expected)
                line = row(title or community.title(bundle), machine.name, flags, found)
                print(line + " differs" * (not results[-1]), flush=True)
    return results


def expectation(bundle: Bundle, samples: Samples) -> tuple[int, int, tuple[int, ...]]:
    """Checksums of rows and outputs, and the ends of events."""
    rows = Frontend().push(samples)
    outputs = microcontroller.outputs(bundle.model_path.read_bytes(), rows, bundle.open_model().stride)
    events = tuple(event.end for event in detected(bundle, outputs))
    outputs[: prepare(bundle).detector.warmup] = 0
    return emulated.checksum(rows), emulated.checksum(outputs), events


def row(model: str, processor: str, flags: tuple[str, ...], found: emulated.Run) -> str:
    """One line of the table."""
    share = found.instructions_per_second * CYCLES_PER_INSTRUCTION / CLOCK
    kernels, millions = "plain" if flags else "vector", found.instructions_per_second / 1e6
    return (
        f"| {model} | {processor} | {kernels} | {len(found.events)} | {found.flash} | {found.memory} | "
        f"{found.stack} | {millions:.1f} million | {100 * share:.1f} % |"
    )


def half_a_minute(word: str) -> Samples:
    """Dev recordings of the word if there are any, then others."""
    clips = [
        clip for clip in read_manifest(recordings_manifest()) if clip.split == "dev" and clip.kind != "room"
    ]
    clips.sort(key=lambda clip: (not clip.says(word), str(clip.path)))
    samples = np.concatenate([read_samples(clip.path) for clip in clips[:30]])
    return samples[: SECONDS * SAMPLE_RATE]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
