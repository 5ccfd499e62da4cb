"""Exported C on small processors, as QEMU emulates them: built bare-metal, fed a recording, read by UART.

QEMU's counter (-icount shift=0) gives every instruction one nanosecond of virtual time, so a board's own
counter counts instructions, in units that the program calibrates with a loop of known length. Cycles are not
modelled.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kws.types import SAMPLE_RATE, Samples

PORT = Path(__file__).parent / "bare_metal"
CALIBRATION_INSTRUCTIONS = 200_000
"""In the loop whose ticks the program prints."""
SECONDS_AT_MOST = 500
WARNINGS = ("-Wall", "-Wextra", "-Werror")


@dataclass(frozen=True)
class Machine:
    """A board of QEMU's, and how to compile for it."""

    name: str
    board: str
    flags: tuple[str, ...]
    code: int = 0
    """Where programs start."""
    data: int = 0x20000000
    uart: int = 0x40004000
    tick_mask: int = 0xFFFFFF
    """Of the counter."""
    tools: str = "arm-none-eabi"
    emulator: str = "qemu-system-arm"
    port: str = "arm.c"


MACHINES = (
    Machine("Cortex-M3", "mps2-an385", ("-mcpu=cortex-m3", "-mthumb", "--specs=nosys.specs")),
    Machine(
        "Cortex-M4F",
        "mps2-an386",
        ("-mcpu=cortex-m4", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv4-sp-d16", "--specs=nosys.specs"),
    ),
    Machine("Cortex-M7", "mps2-an500", ("-mcpu=cortex-m7", "-mthumb", "--specs=nosys.specs")),
    Machine(
        "Cortex-M55",
        "mps3-an547",
        ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "--specs=nosys.specs"),
        code=0x10000000,
        data=0x30000000,
        uart=0x59303000,
    ),
    Machine(
        "RV32IMAC",
        "virt",
        ("-march=rv32imac", "-misa-spec=2.2", "-mabi=ilp32", "-Wl,--no-relax", "--specs=picolibc.specs"),
        code=0x80000000,
        data=0x80100000,
        uart=0x10000000,
        tick_mask=0xFFFFFFFF,
        tools="riscv64-unknown-elf",
        emulator="qemu-system-riscv32",
        port="riscv.c",
    ),
)


@dataclass(frozen=True)
class Run:
    """What a program said about one recording."""

    events: tuple[tuple[int, int], ...]
    """Samples heard and sum of outputs of each."""
    rows: int
    row_sum: int
    """FNV-1a over all front-end rows."""
    output_sum: int
    """The same over all outputs as the detector took them, 0 during the warm-up."""
    instructions_per_second: float
    """Of audio."""
    stack: int
    """Bytes at most."""
    memory: int
    """Bytes of the engine."""
    flash: int
    """Bytes of the whole program: start-up code, constants, the engine."""


def run(machine: Machine, project: Path, samples: Samples, work: Path, flags: Sequence[str] = ()) -> Run:
    """Build the C99 export in `project` for a machine and let it hear samples."""
    recording, program = work / "recording.pcm", work / f"{machine.board}.elf"
    samples.astype("<i2").tofile(recording)
    _build(machine, project, recording, program, flags)
    said = _emulate(machine, program)
    values = {
        name: int(value) for name, value in (line.split() for line in said if not line.startswith("event"))
    }
    ticks = values["ticks"] * CALIBRATION_INSTRUCTIONS / values["calibration"]
    return Run(
        events=tuple(_event(line) for line in said if line.startswith("event")),
        rows=values["rows"],
        row_sum=values["row_sum"],
        output_sum=values["output_sum"],
        instructions_per_second=ticks / (len(samples) / SAMPLE_RATE),
        stack=values["stack"],
        memory=values["memory"],
        flash=_flash(machine, program),
    )


def checksum(values: np.ndarray) -> int:
    """FNV-1a, 32 bits, over bytes."""
    total = 2166136261
    for byte in values.astype(np.uint8).tobytes():
        total = (total ^ byte) * 16777619 & 0xFFFFFFFF
    return total


def _event(line: str) -> tuple[int, int]:
    _, end, score = line.split()
    return int(end), int(score)


def _build(machine: Machine, project: Path, recording: Path, program: Path, flags: Sequence[str]) -> None:
    port = [PORT / name for name in ("main.c", "board.c", machine.port)]
    sources = [*port, *project.glob("src/*.c"), *project.glob("generated/*.c")]
    command = [f"{machine.tools}-gcc", "-std=c99", "-O2", *WARNINGS, *flags, *machine.flags]
    command += [f"-I{project / name}" for name in ("include", "src", "generated")]
    command += [f"-DUART={machine.uart}u", f"-DTICK_MASK={machine.tick_mask}u"]
    command += [
        f'-DINPUT="{recording}"',
        f"-I{PORT}",
        "-ffunction-sections",
        "-Wl,--gc-sections",
        "-nostartfiles",
    ]
    command += [f"-Wl,--defsym=CODE_START={machine.code}", f"-Wl,--defsym=DATA_START={machine.data}"]
    subprocess.run([*command, "-T", PORT / "link.ld", *sources, "-o", program], check=True)


def _emulate(machine: Machine, program: Path) -> list[str]:
    command = [machine.emulator, "-M", machine.board, "-bios", "none", "-kernel", str(program)]
    command += ["-display", "none", "-monitor", "none", "-serial", "stdio"]
    command += ["-semihosting-config", "enable=on,target=native", "-icount", "shift=0"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS_AT_MOST)
    return done.stdout.splitlines()


def _flash(machine: Machine, program: Path) -> int:
    command = [f"{machine.tools}-size", str(program)]
    sizes = subprocess.run(command, check=True, capture_output=True, text=True)
    text, data, *_ = sizes.stdout.splitlines()[1].split()
    return int(text) + int(data)
