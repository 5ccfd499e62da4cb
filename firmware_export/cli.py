"""The subcommands `kws export` and `kws verify-firmware`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from firmware_export.boards import BOARDS
from firmware_export.errors import ExportError
from firmware_export.raspberrypi import export as raspberrypi
from firmware_export.raspberrypi.machine import MACHINES
from firmware_export.targets import TARGETS
from firmware_export.verify import Comparison, Heard, compare
from kws.bundle import find_bundle
from kws.commands.options import quiet_runtime
from kws.sources.whole import read_samples
from kws.types import SAMPLE_RATE

USUAL_MACHINE = "aarch64"
OPTIONS_OF = {
    "board": ("c99", "esphome", "tflm"),
    "arena": ("esphome", "tflm"),
    "machine": (raspberrypi.TARGET,),
    "debs": (raspberrypi.TARGET,),
}
"""Option -> the targets that it is for."""
DIFFERENT = 1
"""Exit code of verify-firmware when the firmware hears something else."""


@click.command()
@click.argument("target", type=click.Choice(sorted((*TARGETS, raspberrypi.TARGET))))
@click.argument("model")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Directory for the firmware."
)
@click.option("--board", type=click.Choice(sorted(BOARDS)), help="Refuse a model that does not fit it.")
@click.option(
    "--arena",
    type=click.IntRange(1),
    metavar="BYTES",
    help="Memory of TensorFlow Lite Micro (tflm, esphome), instead of measuring it.",
)
@click.option(
    "--machine",
    type=click.Choice(sorted(MACHINES)),
    show_default=USUAL_MACHINE,
    help="System of the Raspberry Pi: 64 bits or 32.",
)
@click.option(
    "--debs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of Debian packages that the Raspberry Pi may lack, to bring along.",
)
def export(
    target: str,
    model: str,
    output: Path,
    board: str | None,
    arena: int | None,
    machine: str | None,
    debs: Path | None,
) -> None:
    """Write MODEL as firmware for TARGET."""
    _check_options(target, {"board": board, "arena": arena, "machine": machine, "debs": debs})
    with quiet_runtime():
        bundle = find_bundle(model)
        if target == raspberrypi.TARGET:
            report = raspberrypi.export(bundle, output, machine or USUAL_MACHINE, debs)
        else:
            report = TARGETS[target](bundle, output, BOARDS[board] if board else None, arena)
    facts = ", ".join(f"{value} {name.replace('_', ' ')}" for name, value in report.facts.items())
    click.echo(f"{report.directory}: {report.model} for {report.target}; {facts}")


def _check_options(target: str, given: Mapping[str, object]) -> None:
    for name, targets in OPTIONS_OF.items():
        if given[name] is not None and target not in targets:
            raise ExportError(
                f"--{name}: is for {', '.join(targets)}, and the target is {target}; leave it away"
            )


@click.command("verify-firmware")
@click.argument("directory", type=click.Path(path_type=Path))
@click.argument("recording", type=click.Path(path_type=Path))
def verify_firmware(directory: Path, recording: Path) -> int:
    """Build the firmware in DIRECTORY for this machine; compare what it hears in RECORDING with kws.

    Front end and detector must agree to the bit, events to 0.1 s, since the desktop's kernels round in
    another way. Exit code 1 if they do not.
    """
    with quiet_runtime():
        found = compare(directory, read_samples(recording))
    for line in _described(found):
        click.echo(line)
    return 0 if found.holds else DIFFERENT


def _described(found: Comparison) -> list[str]:
    """Events of either side, then what is equal."""
    here, there = set(found.desktop), set(found.firmware)
    lines = [
        f"{_time(event)} {event.label}{_whose(event, here, there)}"
        for event in sorted(here | there, key=lambda e: (e.end, e.label))
    ]
    return [
        *lines,
        f"events: {_agreement(found)}",
        f"detector: {'the same events' if found.firmware == found.expected else 'other events'} "
        "as kws's own on the firmware's outputs",
        f"front end: {found.unequal_rows} of {found.rows} rows differ{_why(found)}",
        f"model: {found.unequal_steps} of {found.steps} outputs differ from LiteRT's reference kernels, "
        f"by at most {found.largest_difference} of 255",
    ]


def _why(found: Comparison) -> str:
    if not found.unequal_rows or not found.rounding_rows:
        return ""
    return ", as this system computes its filters otherwise than a microcontroller"


def _agreement(found: Comparison) -> str:
    shifts = found.shifts
    return (
        f"{len(found.firmware)} in the firmware, {len(found.desktop)} here; {len(shifts)} in both, "
        f"{shifts.count(0)} of them to the sample, all within {1000 * max(shifts, default=0):.0f} ms"
    )


def _time(event: Heard) -> str:
    return f"{event.end / SAMPLE_RATE:10.2f} s"


def _whose(event: Heard, here: set[Heard], there: set[Heard]) -> str:
    if event in here and event in there:
        return ""
    return " (here only)" if event in here else " (in the firmware only)"
