"""Exported C on QEMU's Cortex-M3, M4F, M7, M55 and RISC-V: the desktop's bits, and what it costs there.

Half a minute of recordings for every model and processor. Flash is the whole program with start-up code;
memory is the engine's; the stack is the most that was in use; instructions are those inside kws_push, as QEMU
counts them. QEMU knows no cycles: the share of 168 MHz, an ordinary Cortex-M4's, is an estimate at 1.3 cycles
an instruction.
Exit code 1 if a processor computes other rows or outputs than pymicro-features and tflite-micro.

python tests/verification/processors.py [MODEL ...]      # by default those bundled and the community's alexa
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import community
import emulated
import microcontroller
import numpy as np

import kws
from firmware_export.c99.export import export, prepare
from kws.bundle import Bundle, find_bundle
from kws.frontend import Frontend
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE, Samples
from training.data.manifest import read_manifest, recordings_manifest

SECONDS = 30
CYCLES_PER_INSTRUCTION = 1.3
CLOCK = 168e6
"""Hertz, of the Cortex-M4 that the share is estimated for."""

HEAD = (
    "| model | processor | kernels | flash | memory | stack | instructions per second | share of 168 MHz |\n"
    "|---|---|---|---|---|---|---|---|"
)
PLAIN = ("-DKWS_PLAIN",)
WITH_VECTORS = ("Cortex-M4F", "Cortex-M7", "Cortex-M55")


def main(models: list[str]) -> int:
    """Print a table; the last line sums it up."""
    names = models or [*kws.bundled_names(), str(community.manifest("alexa"))]
    print(HEAD)
    same = [equal for name in names for equal in model_on_all(find_bundle(name))]
    print(f"\nProcessors compute the desktop's bits: {sum(same)} of {len(same)} runs.")
    return 0 if all(same) else 1


def model_on_all(bundle: Bundle) -> list[bool]:
    """One model on every processor, with and without its vector instructions; whether each run was right."""
    samples = half_a_minute(bundle.wake_word.lower())
    rows = Frontend().push(samples)
    outputs = microcontroller.outputs(bundle.model_path.read_bytes(), rows, bundle.open_model().stride)
    outputs[: prepare(bundle).detector.warmup] = 0
    expected = emulated.checksum(rows), emulated.checksum(outputs)
    results = []
    with tempfile.TemporaryDirectory() as work:
        export(bundle, Path(work) / "c", None)
        for machine in emulated.MACHINES:
            for flags in ((), PLAIN) if machine.name in WITH_VECTORS else (PLAIN,):
                found = emulated.run(machine, Path(work) / "c", samples, Path(work), flags)
                results.append((found.row_sum, found.output_sum) == expected)
                print(
                    row(community.title(bundle), machine.name, flags, found) + " differs" * (not results[-1]),
                    flush=True,
                )
    return results


def row(model: str, processor: str, flags: tuple[str, ...], found: emulated.Run) -> str:
    """One line of the table."""
    share = found.instructions_per_second * CYCLES_PER_INSTRUCTION / CLOCK
    return (
        f"| {model} | {processor} | {'plain' if flags else 'vector'} | {found.flash} | {found.memory} | "
        f"{found.stack} | {found.instructions_per_second / 1e6:.1f} million | {100 * share:.1f} % |"
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
